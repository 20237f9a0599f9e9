import type { Edge } from './call-graph.ts';
import { type Manifest, ofKind } from './manifest.ts';
import { madeByOperators } from './operators.ts';
import { type LabelSelector, matches } from './selector.ts';
import { podLabels, workloadsOf } from './workloads.ts';

/** Pods that policies select: a workload's, or those that an operator makes. */
interface Pods {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
}

interface Peer {
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly ipBlock?: object;
}

interface PolicyRule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly port: number }[];
}

/** What the network policies of a rendering let through. */
export interface NetworkGraph {
  /** Calls that both sides allow: among pods, and to other namespaces or outside. */
  readonly calls: readonly Edge[];
  /** Calls from other namespaces: `namespace kubernetes.io/metadata.name=monitoring → Deployment/gateway:9460`. */
  readonly visits: readonly Edge[];
  /** Calls that only one of two pods allows, so that the rule does nothing; and pods that cannot look up names. */
  readonly faults: readonly string[];
}

/** Reads them. Look-ups of names are left out: every pod needs them, and a pod without is a fault. */
export function networkGraph(manifests: readonly Manifest[]): NetworkGraph {
  const pods: Pods[] = [
    ...workloadsOf(manifests).map((workload) => ({ id: workload.id, labels: podLabels(workload) })),
    ...madeByOperators(manifests).pods,
  ];
  const policies = ofKind(manifests, 'NetworkPolicy');
  const of = (one: Pods, direction: 'ingress' | 'egress') =>
    policies
      .filter(({ spec }) => matches(spec.podSelector, one.labels))
      .flatMap(({ spec }) => (spec[direction] ?? []) as PolicyRule[]);
  const out = pods.flatMap((one) =>
    of(one, 'egress').flatMap(({ to, ports }) => edges(one, to, ports, pods, false)),
  );
  const into = pods.flatMap((one) =>
    of(one, 'ingress').flatMap(({ from, ports }) => edges(one, from, ports, pods, true)),
  );
  const [among, away] = partition(out, (edge) => pods.some(({ id }) => edge.includes(`→ ${id}:`)));
  const [amongToo, visits] = partition(into, (edge) =>
    pods.some(({ id }) => edge.startsWith(`${id} →`)),
  );
  return {
    calls: sorted([
      ...among.filter((edge) => amongToo.includes(edge)),
      ...away.filter((edge) => !isLookup(edge)),
    ]),
    visits: sorted(visits),
    faults: [
      ...sorted(among.filter((edge) => !amongToo.includes(edge))).map(
        (edge) => `${edge}: the called pods refuse it`,
      ),
      ...sorted(amongToo.filter((edge) => !among.includes(edge))).map(
        (edge) => `${edge}: the calling pods may not`,
      ),
      ...pods
        .filter(({ id }) => !away.some((edge) => edge.startsWith(`${id} →`) && isLookup(edge)))
        .map(({ id }) => `${id} cannot look up names`),
    ],
  };
}

/** The calls that one rule of a pod's allows. */
function edges(
  one: Pods,
  peers: readonly Peer[] | undefined,
  ports: PolicyRule['ports'],
  pods: readonly Pods[],
  incoming: boolean,
): Edge[] {
  const others = (peers ?? [{ ipBlock: {} }]).flatMap((peer) => peerNames(peer, pods));
  const numbers = ports?.map(({ port }) => `${port}`) ?? ['any'];
  return others.flatMap((other) =>
    numbers.map((port) =>
      incoming ? `${other} → ${one.id}:${port}` : `${one.id} → ${other}:${port}`,
    ),
  );
}

function peerNames(
  { podSelector, namespaceSelector, ipBlock }: Peer,
  pods: readonly Pods[],
): string[] {
  if (ipBlock) return ['outside'];
  if (!namespaceSelector)
    return pods.filter(({ labels }) => matches(podSelector ?? {}, labels)).map(({ id }) => id);
  const [label, value] = Object.entries(namespaceSelector.matchLabels ?? {})[0] ?? ['any', ''];
  return [
    label === 'kubernetes.io/metadata.name' ? `namespace ${value}` : `namespace ${label}=${value}`,
  ];
}

const isLookup = (edge: Edge) => edge.endsWith('→ namespace kube-system:53');

function partition<T>(all: readonly T[], test: (one: T) => boolean): [T[], T[]] {
  return [all.filter(test), all.filter((one) => !test(one))];
}

const sorted = (edges: readonly Edge[]) => [...new Set(edges)].sort();
