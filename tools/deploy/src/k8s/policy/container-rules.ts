import { quantity } from '../quantity.ts';
import { faultsWhere, forContainers, forServing, type Rule } from './rule.ts';

const images: Rule = forContainers(({ image, imagePullPolicy }) => {
  const { digest, tag } =
    /^[^@]*?(?::(?<tag>[^/:@]+))?(?:@sha256:(?<digest>[0-9a-f]{64}))?$/.exec(image)?.groups ?? {};
  return faultsWhere(
    // Two numbers at least: a tag of one moves with every minor release.
    [
      digest === undefined && !/^v?\d+\.\d+/.test(tag ?? ''),
      `runs ${image}, which names no version`,
    ],
    [imagePullPolicy !== 'Always', 'may run an image that its node found somewhere else'],
  );
});

const resources: Rule = forContainers(({ resources: { requests = {}, limits = {} } = {} }) =>
  ['cpu', 'memory', 'ephemeral-storage'].flatMap((name) =>
    requests[name] === undefined || limits[name] === undefined
      ? [`has no request or no limit of ${name}`]
      : faultsWhere([
          quantity(requests[name]) > quantity(limits[name]),
          `requests more ${name} than its limit`,
        ]),
  ),
);

const environment: Rule = forContainers(({ env = [], envFrom = [], volumeMounts = [] }) => {
  const names = env.map(({ name }: { name: string }) => name);
  const paths = volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath);
  return faultsWhere(
    [JSON.stringify([env, envFrom]).includes('"secretKeyRef"'), 'gets a secret as environment'],
    [envFrom.some((source: object) => 'secretRef' in source), 'gets secrets as environment'],
    [new Set(names).size < names.length, 'sets a variable twice'],
    [new Set(paths).size < paths.length, 'mounts two volumes on one path'],
    // A subPath keeps what was there at the start: certificates and secrets would never rotate.
    [volumeMounts.some((mount: object) => 'subPath' in mount), 'mounts a subPath'],
  );
});

const probes: Rule = forServing(({ containers }) =>
  containers.flatMap(({ name, livenessProbe, readinessProbe, lifecycle }) => {
    const action = (probe: object = {}) =>
      JSON.stringify(
        Object.entries(probe).filter(([key]) =>
          ['httpGet', 'tcpSocket', 'exec', 'grpc'].includes(key),
        ),
      );
    return faultsWhere(
      [livenessProbe === undefined, 'has no liveness probe'],
      [readinessProbe === undefined, 'has no readiness probe'],
      [
        action(livenessProbe) === action(readinessProbe),
        'is killed for what only makes it unready',
      ],
      [livenessProbe?.httpGet?.path === '/readyz', 'is killed when a dependency is away'],
      // The images have no shell, and no sleep.
      [lifecycle?.preStop?.exec !== undefined, 'runs a program before it stops'],
    ).map((fault) => `container ${name} ${fault}`);
  }),
);

/** What each container needs. */
export const containerRules: readonly Rule[] = [images, resources, environment, probes];
