import { callGraph, type Edge } from './call-graph.ts';
import { type Manifest, ofKind } from './manifest.ts';
import { networkGraph } from './network-graph.ts';
import { madeByOperators } from './operators.ts';
import { workloadsOf } from './workloads.ts';

/**
 * Where the network policies of a rendering and the calls of its processes differ: an edge that a process needs and may not use, one that it may use and
 * does not need, and visitors that are neither the monitoring at an admin port nor outsiders at an entrance; one line each.
 */
export function networkFaults(manifests: readonly Manifest[]): string[] {
  if (workloadsOf(manifests).length === 0) return [];
  const needed = callGraph(manifests);
  const { calls, visits, faults } = networkGraph(manifests);
  const made = madeByOperators(manifests).pods.map(({ id }) => id);
  const isOperators = (edge: Edge) => made.some((id) => edge.startsWith(`${id} →`));
  const expected = expectedVisits(manifests);
  return [
    ...(ofKind(manifests, 'NetworkPolicy').some(deniesAll) ? [] : ['nothing is denied by default']),
    ...faults,
    ...needed
      .filter((edge) => !calls.includes(edge))
      .map((edge) => `${edge} is needed, and no policy allows it`),
    ...calls
      .filter((edge) => !needed.includes(edge) && !isOperators(edge))
      .map((edge) => `${edge} is allowed, and nobody needs it`),
    // What an operator's pods say among themselves and to the API server is theirs; they never call ours.
    ...calls
      .filter(
        (edge) =>
          isOperators(edge) &&
          !made.some((id) => edge.includes(`→ ${id}:`)) &&
          !/→ outside:(443|6443)$/.test(edge),
      )
      .map((edge) => `${edge}: an engine calls somebody`),
    ...expected
      .filter((edge) => !visits.includes(edge))
      .map((edge) => `${edge} is needed, and no policy allows it`),
    ...visits
      .filter((edge) => !expected.includes(edge) && !made.some((id) => edge.includes(`→ ${id}:`)))
      .map((edge) => `${edge} is allowed, and nobody needs it`),
  ];
}

/** For pods that no other policy knows. */
function deniesAll({ spec }: Manifest): boolean {
  const types = ['Ingress', 'Egress'].every((type) => spec.policyTypes?.includes(type));
  return types && JSON.stringify(spec.podSelector) === '{}' && !spec.ingress && !spec.egress;
}

/** Entrances: where people and their tools come in. */
const entrances = ['gateway:http', 'issuer:http', 'jaeger:ui'];

function expectedVisits(manifests: readonly Manifest[]): Edge[] {
  return ofKind(manifests, 'Deployment').flatMap(({ metadata: { name }, spec }) =>
    spec.template.spec.containers
      .flatMap((container: { ports?: object[] }) => container.ports ?? [])
      .flatMap((port: { name: string; containerPort: number }) => {
        const pods = `Deployment/${name}:${port.containerPort}`;
        if (port.name === 'admin') return [`namespace monitoring → ${pods}`];
        return entrances.includes(`${name}:${port.name}`)
          ? [`namespace ordermesh.dev/ingress=allowed → ${pods}`]
          : [];
      }),
  );
}
