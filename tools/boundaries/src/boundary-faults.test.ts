import { describe, expect, test } from 'vitest';
import { boundaryFaults } from './boundary-faults.ts';

const project = (name: string, layer: string, scope: string) => ({
  name: `@ordermesh/${name}`,
  tags: ['npm:private', `layer:${layer}`, `scope:${scope}`],
});

const projects = [
  project('command', 'app', 'write'),
  project('query', 'app', 'read'),
  project('gateway', 'app', 'shared'),
  project('event-store-postgres', 'adapter', 'write'),
  project('read-model', 'adapter', 'read'),
  project('messaging', 'adapter', 'shared'),
  project('event-sourcing', 'kernel', 'write'),
  project('service', 'kernel', 'shared'),
  project('telemetry', 'kernel', 'shared'),
  project('order', 'domain', 'write'),
  project('contract', 'contract', 'shared'),
  project('testing', 'tool', 'shared'),
  project('e2e', 'tool', 'shared'),
];

const faultsOf = (source: string, target: string, dev = false) =>
  boundaryFaults(projects, [
    { source: `@ordermesh/${source}`, target: `@ordermesh/${target}`, dev },
  ]);

describe('boundaryFaults()', () => {
  test.each([
    ['command', 'event-store-postgres'],
    ['command', 'event-sourcing'],
    ['command', 'order'],
    ['command', 'contract'],
    ['query', 'read-model'],
    ['query', 'messaging'],
    ['event-store-postgres', 'event-sourcing'],
    ['event-store-postgres', 'contract'],
    ['event-sourcing', 'telemetry'],
    ['service', 'telemetry'],
    ['e2e', 'command'],
    ['e2e', 'order'],
    ['testing', 'read-model'],
  ])('lets %s use %s', (source, target) => {
    expect(faultsOf(source, target)).toEqual([]);
  });

  test.each([
    ['command', 'gateway', 'layer app may use adapter, kernel, domain, contract, not app'],
    ['event-store-postgres', 'messaging', 'layer adapter may use kernel, contract, not adapter'],
    ['event-store-postgres', 'order', 'layer adapter may use kernel, contract, not domain'],
    ['messaging', 'gateway', 'layer adapter may use kernel, contract, not app'],
    ['event-sourcing', 'service', 'a kernel library may use @ordermesh/telemetry only'],
    ['telemetry', 'service', 'a kernel library may use @ordermesh/telemetry only'],
    ['event-sourcing', 'contract', 'layer kernel may use kernel, not contract'],
    ['service', 'messaging', 'layer kernel may use kernel, not adapter'],
    ['order', 'contract', 'layer domain may use nothing of ours, not contract'],
    ['contract', 'telemetry', 'layer contract may use nothing of ours, not kernel'],
    ['query', 'event-store-postgres', 'scope read may not see scope write'],
    ['query', 'order', 'scope read may not see scope write'],
    ['command', 'read-model', 'scope write may not see scope read'],
    ['gateway', 'read-model', 'scope shared may not see scope read'],
    ['command', 'testing', 'a tool is for tests, declare it in devDependencies'],
  ])('refuses that %s uses %s', (source, target, reason) => {
    expect(faultsOf(source, target)).toEqual([
      `@ordermesh/${source} must not use @ordermesh/${target}: ${reason}`,
    ]);
  });

  test('lets tests use tools, and nothing else that the code may not', () => {
    expect(faultsOf('order', 'testing', true)).toEqual([]);
    expect(faultsOf('messaging', 'event-store-postgres', true)).toHaveLength(1);
  });

  test('lets the tests of the domain use the kernel of their scope, and its code not', () => {
    expect(faultsOf('order', 'event-sourcing', true)).toEqual([]);
    expect(faultsOf('order', 'event-sourcing')).toHaveLength(1);
    expect(faultsOf('order', 'event-store-postgres', true)).toHaveLength(1);
    expect(faultsOf('contract', 'event-sourcing', true)).toHaveLength(1);
  });

  test('wants exactly one known layer and scope per project', () => {
    const tags = (...list: string[]) => boundaryFaults([{ name: 'x', tags: list }], []);
    expect(tags('layer:app', 'scope:read')).toEqual([]);
    expect(tags('scope:read')).toEqual([expect.stringMatching(/^x needs .*layer.*has none$/)]);
    expect(tags('layer:app', 'layer:tool', 'scope:read')).toEqual([
      expect.stringMatching(/has app, tool$/),
    ]);
    expect(tags('layer:app', 'scope:both')).toEqual([expect.stringMatching(/scope.*has both$/)]);
  });
});
