import type { Manifest } from '../manifest.ts';
import { type Container, isServing, type Workload, workloadsOf } from '../workloads.ts';

/** What a rule finds wrong with a rendering; one line each. */
export type Rule = (manifests: readonly Manifest[]) => string[];

/** A rule that looks at one workload at a time. */
export const forWorkloads =
  (check: (workload: Workload, manifests: readonly Manifest[]) => readonly string[]): Rule =>
  (manifests) =>
    workloadsOf(manifests).flatMap((workload) =>
      check(workload, manifests).map((fault) => `${workload.id}: ${fault}`),
    );

/** A rule that looks at what serves, and at no Job. */
export const forServing = (
  check: (workload: Workload, manifests: readonly Manifest[]) => readonly string[],
): Rule =>
  forWorkloads((workload, manifests) => (isServing(workload) ? check(workload, manifests) : []));

/** A rule that looks at one container at a time, init containers among them. */
export const forContainers = (
  check: (container: Container, workload: Workload) => readonly string[],
): Rule =>
  forWorkloads((workload) =>
    [...workload.initContainers, ...workload.containers].flatMap((container) =>
      check(container, workload).map((fault) => `container ${container.name} ${fault}`),
    ),
  );

/** The faults whose condition holds. */
export function faultsWhere(...pairs: readonly (readonly [boolean, string])[]): string[] {
  return pairs.filter(([holds]) => holds).map(([, fault]) => fault);
}
