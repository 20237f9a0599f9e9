import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { deploymentFaults, environments } from './deployment-faults.ts';
import { idOf, type Manifest } from './manifest.ts';
import { schemaFaults } from './schema-faults.ts';
import { typeFaults } from './type-faults.ts';

/** As mutations.yaml says. */
type Mutation = readonly [
  what: string,
  resource: string,
  path: string,
  value: unknown,
  fault: string,
  environment?: keyof typeof environments,
];

const mutations = parse(
  readFileSync(join(import.meta.dirname, 'mutations.yaml'), 'utf8'),
) as Mutation[];

function find(manifests: readonly Manifest[], resource: string): Manifest {
  // What kustomize names by its content, and Jobs by their version, ends with that.
  const found = manifests.find((one) => `${idOf(one)}-`.startsWith(`${resource}-`));
  if (found === undefined) throw new Error(`there is no ${resource}`);
  return found;
}

function mutated([, resource, path, value, , environment = 'dev']: Mutation): Manifest[] {
  const all = [...environments[environment]];
  if (resource === '+') return [...all, value as Manifest];
  const index = all.indexOf(find(all, resource));
  const changed = structuredClone(all[index]) as Manifest;
  if (path === '') all.splice(index, 1);
  else {
    change(changed, path, value);
    all[index] = changed;
  }
  return all;
}

function change(manifest: Manifest, path: string, value: unknown): void {
  const full = path.replace(/^app\//, 'pod/containers/0/').replace(/^pod\//, 'spec/template/spec/');
  const keys = full.split('/').map((key) => key.replaceAll('~1', '/'));
  const last = keys.pop() ?? '';
  // biome-ignore lint/suspicious/noExplicitAny: by path
  const parent = keys.reduce((at: any, key) => at[key], manifest);
  if (last === '-') parent.push(value);
  else if (value !== null) parent[last] = value;
  else if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete parent[last];
}

describe('each rule is seen to fail:', () => {
  const cases = mutations.map((mutation) => ({ what: mutation[0], mutation }));
  test.each(cases)('$what', ({ mutation }) => {
    const faults = () => {
      try {
        return deploymentFaults(mutated(mutation));
      } catch (error) {
        return [(error as Error).message];
      }
    };
    expect(faults().join('\n')).toMatch(new RegExp(mutation[4]));
  });
});

test('a misspelt field, a wrong value and a missing one are found, in core and custom resources', async () => {
  const broken: readonly [resource: string, path: string, value: unknown, by: RegExp][] = [
    ['Deployment/gateway', 'spec/minReadySecond', 5, /"minReadySecond\\?"' does not exist/],
    ['Deployment/gateway', 'app/imagePullPolicy', 5, /'number' is not assignable to type '"Always/],
    ['Deployment/query', 'spec/replicas', '2', /replicas must be integer/],
    ['Kafka/ordermesh', 'spec/kafka/listener', [], /"listener"' does not exist/],
    ['Cluster/ordermesh-pg', 'spec/instances', null, /Property '"instances"' is missing/],
    ['ScaledObject/projector', 'spec/minReplicas', 2, /"minReplicas"' does not exist/],
    ['Certificate/gateway', 'spec/privateKey/algorithm', 'DSA', /'"DSA"' is not assignable/],
    ['HTTPRoute/orders', 'spec/hostnames/0', 'no host', /hostnames\/0 must match pattern/],
    ['ExternalSecret/gateway-secrets', 'spec/refresh', '1h', /"refresh"' does not exist/],
  ];
  const manifests = broken.map(([resource, path, value]) => {
    const changed = structuredClone(find(environments.prod, resource)) as Manifest;
    change(changed, path, value);
    return changed;
  });
  const faults = [...typeFaults(manifests), ...(await schemaFaults(manifests))].join('\n');
  for (const [, , , by] of broken) expect(faults).toMatch(by);
});
