import { expect, test } from 'vitest';
import {
  elasticsearchProjection,
  postgresProjection,
} from '../../../../libs/read-model/src/index.ts';
import { partitions } from '../../../../libs/service/src/shared-settings.ts';
import { callGraph } from './call-graph.ts';
import { deploymentFaults, environments } from './deployment-faults.ts';
import { environmentOf } from './environment.ts';
import { type Manifest, ofKind } from './manifest.ts';
import { schemaFaults } from './schema-faults.ts';
import { typeFaults } from './type-faults.ts';
import { workloadsOf } from './workloads.ts';

test('every resource is what its type and its schema say, and no more', async () => {
  const all = Object.values(environments).flat();
  expect(typeFaults(all)).toEqual([]);
  expect(await schemaFaults(all)).toEqual([]);
});

test.each(Object.entries(environments))(
  '%s keeps every rule, refers to what there is, allows the calls of its processes and no other, and they accept their environment',
  (_name, manifests) => {
    expect(deploymentFaults(manifests)).toEqual([]);
  },
);

test('staging runs the images of production, at its version: a release is written into prod alone', () => {
  const running = (manifests: readonly Manifest[]) =>
    workloadsOf(manifests).map(({ id, manifest, containers }) => ({
      id,
      version: manifest.metadata.labels?.['app.kubernetes.io/version'],
      images: containers.map(({ image }) => image),
    }));
  expect(running(environments.staging)).toEqual(running(environments.prod));
});

test('dev has no custom resource, and none of the development issuer is in staging and prod', () => {
  const groups = environments.dev.map(({ apiVersion }) => apiVersion.split('/')[0] ?? '');
  expect(groups.filter((group) => group.includes('.') && !group.endsWith('.k8s.io'))).toEqual([]);
  for (const name of ['staging', 'prod'] as const)
    expect(JSON.stringify(environments[name])).not.toMatch(
      /ordermesh\/issuer|development-only|jaeger/,
    );
});

test('tokens are verified, and their keys fetched, by whoever serves users; the projector has no need to', () => {
  const fetching = callGraph(environments.dev).filter((edge) =>
    edge.endsWith('Deployment/issuer:8090'),
  );
  expect(fetching.map((edge) => edge.split(' ')[0])).toEqual(
    ['command', 'customer', 'gateway', 'query'].map((name) => `Deployment/${name}`),
  );
});

test('Kafka has the partitions of the log, and the autoscaler looks at the groups that consume it', () => {
  for (const manifests of [environments.staging, environments.prod]) {
    const [topic] = ofKind(manifests, 'KafkaTopic');
    expect(topic).toMatchObject({
      metadata: { name: 'ordermesh.order.events.v1' },
      spec: { partitions: partitions.fallback },
    });
    const [scaled] = ofKind(manifests, 'ScaledObject');
    const groups = scaled?.spec.triggers.map(
      (one: Manifest) => one.metadata['consumerGroup' as 'name'],
    );
    expect(groups).toEqual([postgresProjection, elasticsearchProjection]);
    expect(scaled?.spec.maxReplicaCount).toBeLessThanOrEqual(partitions.fallback);
  }
});

test('with mutual TLS each process has the identity of its name', () => {
  const workloads = workloadsOf(environments.prod).filter(({ template }) =>
    template.spec.volumes?.some((volume: { name: string }) => volume.name === 'tls'),
  );
  expect(workloads.map(({ id }) => id.split('/')[1])).toEqual([
    'command',
    'customer',
    'gateway',
    'projector',
    'query',
  ]);
  for (const { manifest, template, containers } of workloads) {
    const { name } = manifest.metadata;
    const { secretName } = template.spec.volumes.find(
      (volume: { name: string }) => volume.name === 'tls',
    ).secret;
    const certificate = ofKind(environments.prod, 'Certificate').find(
      ({ spec }) => spec.secretName === secretName,
    );
    expect(certificate?.spec.uris).toEqual([
      `spiffe://ordermesh/ns/${manifest.metadata.namespace}/sa/${name}`,
    ]);
    expect(template.spec.serviceAccountName).toBe(name);
    for (const container of containers)
      expect(environmentOf(container, environments.prod)).toMatchObject({
        TLS_CA_FILE: '/run/tls/ca.crt',
        TLS_CERT_FILE: '/run/tls/tls.crt',
        TLS_KEY_FILE: '/run/tls/tls.key',
      });
  }
});

test('a Job is named by its version, so that the next version is another Job', () => {
  for (const manifests of Object.values(environments))
    for (const { metadata } of ofKind(manifests, 'Job'))
      expect(metadata.name).toBe(
        `${metadata.labels?.['app.kubernetes.io/name']}-${metadata.labels?.['app.kubernetes.io/version']}`,
      );
});

test('the version label is the tag that runs, wherever an image has a tag', () => {
  for (const manifests of Object.values(environments))
    for (const { manifest, containers } of workloadsOf(manifests))
      for (const { image } of containers) {
        const tag = /\b(?:gateway|command|query|projector|customer|issuer):([^@]+)/.exec(
          image,
        )?.[1];
        if (tag !== undefined)
          expect(manifest.metadata.labels?.['app.kubernetes.io/version']).toBe(tag);
      }
});
