import { environmentOf } from '../environment.ts';
import { type Manifest, ofKind } from '../manifest.ts';
import { matches } from '../selector.ts';
import {
  isGrpc,
  podLabels,
  replicasOf,
  scalerOf,
  servicesOf,
  type Workload,
} from '../workloads.ts';
import { faultsWhere, forServing, forWorkloads, type Rule } from './rule.ts';

/** Two issuers would not know each other's keys, not even during a rollout. */
const alone = 'issuer';
/** Deployments of one pod: the issuer, and Jaeger, which keeps its traces in memory. Neither is part of prod. */
const single = [alone, 'jaeger'];

const replicas: Rule = forServing((workload, manifests) => {
  const { kind, metadata, spec } = workload.manifest;
  const { min, max } = replicasOf(workload, manifests);
  const scaler = scalerOf(workload, manifests);
  // A plain engine is one pod; a real one is an operator's.
  const mayBeSingle = kind === 'StatefulSet' || single.includes(metadata.name);
  return faultsWhere(
    [min < 2 && !mayBeSingle, `runs with ${min} pod`],
    [scaler !== undefined && min >= max, 'is scaled within no range'],
    [
      scaler !== undefined && spec.replicas !== undefined,
      'sets the replicas that its autoscaler sets',
    ],
  );
});

const spread: Rule = forServing((workload, manifests) => {
  const { spec } = workload.template;
  if (replicasOf(workload, manifests).max < 2) return [];
  const terms = spec.affinity?.podAntiAffinity ?? {};
  const preferred = terms.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const required = terms.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const affinities = [
    ...required,
    ...preferred.map((term: { podAffinityTerm: object }) => term.podAffinityTerm),
  ];
  const own = (selector: object | undefined) =>
    selector !== undefined && matches(selector, podLabels(workload));
  const constraints = spec.topologySpreadConstraints ?? [];
  return faultsWhere(
    [
      !affinities.some(
        (term) => term.topologyKey === 'kubernetes.io/hostname' && own(term.labelSelector),
      ),
      'may have all its pods on one node',
    ],
    [
      !constraints.some((one: { labelSelector: object }) => own(one.labelSelector)),
      'does not spread its pods',
    ],
    [
      constraints.some(
        (one: { whenUnsatisfiable: string }) => one.whenUnsatisfiable === 'DoNotSchedule',
      ),
      'stops a drain: cordoned nodes count as empty domains',
    ],
  );
});

const disruption: Rule = forServing((workload, manifests) => {
  const budgets = ofKind(manifests, 'PodDisruptionBudget').filter(({ spec }) =>
    matches(spec.selector, podLabels(workload)),
  );
  const [budget] = budgets;
  if (budget === undefined || budgets.length > 1)
    return [`has ${budgets.length} disruption budgets`];
  const { maxUnavailable, minAvailable, unhealthyPodEvictionPolicy } = budget.spec;
  const { min } = replicasOf(workload, manifests);
  const allowed = maxUnavailable ?? min - minAvailable;
  return faultsWhere(
    [!(Number.parseInt(String(allowed), 10) > 0), 'can never be drained'],
    [unhealthyPodEvictionPolicy !== 'AlwaysAllow', 'cannot be drained while its pods are unready'],
  );
});

/** Until every client of a headless service has a new pod's address: 5 s between two look-ups, and 30 s in CoreDNS's cache. */
const lookUpSeconds = 35;

const rollout: Rule = forServing((workload, manifests) => {
  const { kind, metadata, spec } = workload.manifest;
  if (kind !== 'Deployment') return [];
  const { type, rollingUpdate } = spec.strategy ?? {};
  const isLookedUp = servicesOf(workload, manifests).some(
    (service) => isGrpc(service) && service.spec.clusterIP === 'None',
  );
  const strategy =
    metadata.name === alone
      ? faultsWhere([type !== 'Recreate', 'runs twice during a rollout'])
      : faultsWhere(
          [type !== 'RollingUpdate', 'stops before it starts anew'],
          [rollingUpdate?.maxUnavailable !== 0, 'rolls out with fewer pods than it has'],
          [!(rollingUpdate?.maxSurge > 0), 'rolls out without a new pod'],
        );
  return [
    ...strategy,
    ...faultsWhere(
      [!(spec.minReadySeconds > 0), 'counts a pod that dies after its start as available'],
      [
        isLookedUp && spec.minReadySeconds < lookUpSeconds,
        `ends a pod after ${spec.minReadySeconds} s, before all clients know its successor`,
      ],
      [!(spec.revisionHistoryLimit > 0), 'cannot be rolled back'],
    ),
  ];
});

/** Our own processes tell how long they drain; others have their platform's default. */
const termination: Rule = forServing((workload, manifests) =>
  workload.containers.flatMap((container) => {
    const { spec } = workload.template;
    const { DRAIN_TIMEOUT, DRAIN_DELAY } = environmentOf(container, manifests);
    const drain = seconds(DRAIN_TIMEOUT);
    if (drain === undefined) return [];
    const delay = seconds(DRAIN_DELAY) ?? 0;
    // Who is outside keeps connections, which a pod without endpoints still has.
    const isEdge = servicesOf(workload, manifests).some(({ spec: { ports } }) =>
      ports.some((port: { appProtocol?: string }) => port.appProtocol === 'http'),
    );
    const preStop: number = container.lifecycle?.preStop?.sleep?.seconds ?? 0;
    const grace: number = spec.terminationGracePeriodSeconds ?? 30;
    return faultsWhere(
      [preStop < 1, 'stops to listen before its endpoints are gone'],
      [grace < preStop + drain + 5, `is killed after ${grace} s, while it still drains`],
      [isEdge && delay < 1, 'ends connections from outside without a last answer: no DRAIN_DELAY'],
      [delay > 0 && drain < delay + 5, `has ${drain - delay} s to drain after its DRAIN_DELAY`],
    );
  }),
);

/** `5s` → 5. */
function seconds(duration = ''): number | undefined {
  const found = /^(\d+)s$/.exec(duration)?.[1];
  return found === undefined ? undefined : Number(found);
}

const jobs: Rule = forWorkloads(({ manifest: { kind, spec }, template }) =>
  kind !== 'Job'
    ? []
    : faultsWhere(
        [spec.ttlSecondsAfterFinished === undefined, 'stays for ever: no ttlSecondsAfterFinished'],
        [spec.activeDeadlineSeconds === undefined, 'may run for ever: no activeDeadlineSeconds'],
        [!(spec.backoffLimit >= 0), 'has no backoffLimit'],
        [!['Never', 'OnFailure'].includes(template.spec.restartPolicy), 'has no restartPolicy'],
      ),
);

const autoscalers: Rule = (manifests) => {
  const scalers = ofKind(manifests, 'HorizontalPodAutoscaler', 'ScaledObject');
  const targets = scalers.map(({ spec }) => spec.scaleTargetRef.name);
  return scalers.flatMap((scaler, index) =>
    faultsWhere(
      [targets.indexOf(targets[index]) !== index, 'scales what another one scales'],
      [!isSteady(scaler), 'scales without a behavior'],
    ).map((fault) => `${scaler.kind}/${scaler.metadata.name}: ${fault}`),
  );
};

function isSteady({ spec }: Manifest): boolean {
  const behavior = spec.behavior ?? spec.advanced?.horizontalPodAutoscalerConfig?.behavior;
  return behavior?.scaleDown?.stabilizationWindowSeconds > 0;
}

const priority = forWorkloads(({ template: { spec } }: Workload) =>
  faultsWhere([spec.priorityClassName === undefined, 'has no priority']),
);

/** What keeps answers coming while pods come and go. */
export const availabilityRules: readonly Rule[] = [
  replicas,
  spread,
  disruption,
  rollout,
  termination,
  jobs,
  autoscalers,
  priority,
];
