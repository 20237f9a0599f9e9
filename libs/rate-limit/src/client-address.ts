import { isIPv6 } from 'node:net';

/**
 * The address that a request is counted under. Each trusted proxy has put the address it saw at the right end of `X-Forwarded-For`; what stands left of
 * them is the client's own invention. With fewer entries than proxies the leftmost is taken, because every one of them is a proxy's. An entry that is
 * no visible ASCII of at most 64 characters is no address: the peer counts, for the text also travels as gRPC metadata, which cannot hold any other.
 * @param peer the socket's address
 * @param forwardedFor the header, lines joined by commas
 * @param trustedProxies how many proxies stand in front of this process
 */
export function clientAddress(
  peer: string,
  forwardedFor: string | undefined,
  trustedProxies: number,
): string {
  const hops = (forwardedFor ?? '').split(',').map((hop) => hop.trim());
  const seen = [...hops.filter((hop) => hop !== ''), peer];
  const hop = seen[Math.max(0, seen.length - 1 - trustedProxies)] as string;
  return /^[\x21-\x7e]{1,64}$/.test(hop) ? hop : peer;
}

/**
 * What an address is counted under: IPv4 whole (mapped ones too), IPv6 by its first 64 bits, because a subscriber has at least those to choose
 * from; anything else as it is, cut to 64 characters.
 */
export function addressKey(address: string): string {
  const bare = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (!isIPv6(bare)) return bare.slice(0, 64);
  const [head = '', tail] = bare.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array<string>(Math.max(0, missing)).fill('0'), ...right];
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
