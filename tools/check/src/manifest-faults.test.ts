import { expect, test } from 'vitest';
import { manifestFaults } from './manifest-faults.ts';

const root = { path: 'package.json', json: { devDependencies: { pg: '8.23.1', a: '1.0.0-rc.2' } } };
const faultsOf = (dependencies: Record<string, string>) =>
  manifestFaults(root, [{ path: 'libs/x/package.json', json: { dependencies } }]);

test('takes exact versions that agree with the root, and ours', () => {
  expect(faultsOf({ pg: '8.23.1', a: '1.0.0-rc.2', '@ordermesh/order': '0.0.0' })).toEqual([]);
});

test.each([
  [{ pg: '^8.23.1' }, 'pg is "^8.23.1", which is no exact version'],
  [{ pg: 'latest' }, 'pg is "latest", which is no exact version'],
  [{ pg: '8.22.0' }, 'pg is 8.22.0 here and 8.23.1 in the root'],
  [{ redis: '1.2.3' }, 'redis is not pinned in the root package.json'],
  [{ '@ordermesh/order': '*' }, '@ordermesh/order is "*", and ours are all "0.0.0"'],
])('refuses %o', (dependencies, fault) => {
  expect(faultsOf(dependencies as Record<string, string>)).toEqual([
    `libs/x/package.json: ${fault}`,
  ]);
});

test('refuses a range in the root and in every group', () => {
  const faults = manifestFaults(
    { path: 'package.json', json: { dependencies: { pg: '~8.0.0' } } },
    [{ path: 'x', json: { peerDependencies: { pg: '>=8' }, optionalDependencies: { pg: '8.x' } } }],
  );
  expect(faults).toHaveLength(3);
});
