import { readSettings } from '@ordermesh/service';
import { expect, test } from 'vitest';
import { grpcTarget } from './config.ts';

const read = (COMMAND_ADDRESS: string) =>
  readSettings(
    { COMMAND_ADDRESS },
    { address: grpcTarget('COMMAND_ADDRESS', { doc: 'It.', default: '127.0.0.1:50051' }) },
  ).address;

test.each([
  '127.0.0.1:50051',
  '[::1]:50051',
  'command.ordermesh.svc:50051',
  'dns:command:50051',
  'dns:///command.ordermesh.svc:50051',
  'dns://10.0.0.10/command:50051',
  'ipv4:127.0.0.1:1,127.0.0.1:2',
  'ipv6:[::1]:1,[::2]:2',
])('%s is where a service may be', (address) => {
  expect(read(address)).toBe(address);
});

// grpc-js would ask at port 443, or take the whole text for a name.
test.each(['command', 'command:', ':50051', 'http://command:50051', 'a:1,b:2', 'a b:1', 'dns:///'])(
  '%s is not',
  (address) => {
    expect(() => read(address)).toThrow(/^COMMAND_ADDRESS is ".*"; it must be host:port, dns:\/\//);
  },
);
