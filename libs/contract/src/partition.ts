/**
 * Partition of an order: Kafka's own default partitioner (murmur2 of the key's bytes, sign bit cleared, modulo), so that producers in any
 * language agree. Computed once, in the command service; everything behind it carries the number.
 * @param key lower-case UUID text
 * @param partitions how many there are, fixed with the log
 */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key, 'utf8')) & 0x7fffffff) % partitions;
}

/** MurmurHash2 with Kafka's seed; source: org.apache.kafka.common.utils.Utils.murmur2. */
function murmur2(data: Uint8Array): number {
  const m = 0x5bd1e995;
  let h = 0x9747b28c ^ data.length;
  const whole = data.length & ~3;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let i = 0; i < whole; i += 4) {
    let k = view.getInt32(i, true);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    k = Math.imul(k, m);
    h = Math.imul(h, m) ^ k;
  }
  for (let i = data.length - 1; i >= whole; i--) h ^= (data[i] as number) << ((i - whole) * 8);
  if (whole < data.length) h = Math.imul(h, m);
  h ^= h >>> 13;
  h = Math.imul(h, m);
  return h ^ (h >>> 15);
}
