import type { Timestamp } from '@bufbuild/protobuf/wkt';

/** Microseconds since 1970, rounded down: as exactly as PostgreSQL stores a time. */
export function microsOf({ seconds, nanos }: Timestamp): bigint {
  return seconds * 1_000_000n + BigInt(Math.floor(nanos / 1000));
}

// The range of a protobuf timestamp: 0001-01-01T00:00:00Z up to the last microsecond of 9999.
const first = -62_135_596_800_000_000n;
const last = 253_402_300_799_999_999n;

/**
 * The same rounded up, for bounds: a stored time lies at or after a bound exactly if it does so after rounding the bound up. A bound that no
 * timestamp has, which callers can send in protobuf's binary form, becomes the nearest one.
 */
export function ceilMicrosOf({ seconds, nanos }: Timestamp): bigint {
  const micros = seconds * 1_000_000n + BigInt(Math.ceil(nanos / 1000));
  if (micros < first) return first;
  return micros > last ? last : micros;
}

/** RFC 3339 in UTC with six digits, which PostgreSQL reads without loss; through a float it would be off by some microseconds. */
export function isoOfMicros(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const iso = new Date(Number((micros - fraction) / 1000n)).toISOString();
  return iso.replace('.000Z', `.${String(fraction).padStart(6, '0')}Z`);
}
