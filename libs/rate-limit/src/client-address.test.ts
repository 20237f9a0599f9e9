import { expect, test } from 'vitest';
import { addressKey, clientAddress } from './client-address.ts';

test.each([
  ['without proxies the socket counts, whatever the header says', 0, '1.1.1.1, 2.2.2.2', '9.9.9.9'],
  ['one proxy says whom it saw', 1, '1.1.1.1, 2.2.2.2', '2.2.2.2'],
  ['two proxies say whom the first one saw', 2, '1.1.1.1, 2.2.2.2', '1.1.1.1'],
  ['entries left of the proxies’ are inventions', 1, 'evil, 5.5.5.5', '5.5.5.5'],
  ['with fewer entries than proxies the leftmost counts', 3, '1.1.1.1', '1.1.1.1'],
  ['what is no address does not count', 1, 'caf\u00e9', '9.9.9.9'],
  ['what is too long for one does not count', 1, 'x'.repeat(65), '9.9.9.9'],
  ['without a header the socket counts', 2, undefined, '9.9.9.9'],
])('%s', (_, proxies, header, expected) => {
  expect(clientAddress('9.9.9.9', header, proxies)).toBe(expected);
});

test.each([
  ['10.1.2.3', '10.1.2.3'],
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:2::6', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['not an address', 'not an address'],
  ['x'.repeat(100), 'x'.repeat(64)],
])('counts %s under %s', (address, key) => {
  expect(addressKey(address)).toBe(key);
});
