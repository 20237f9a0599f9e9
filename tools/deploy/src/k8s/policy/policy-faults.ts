import type { Manifest } from '../manifest.ts';
import { availabilityRules } from './availability-rules.ts';
import { containerRules } from './container-rules.ts';
import { namespaceRules } from './namespace-rules.ts';
import { podSecurityRules } from './pod-security-rules.ts';
import { quotaRule } from './quota-rule.ts';

const rules = [
  ...podSecurityRules,
  ...containerRules,
  ...availabilityRules,
  ...namespaceRules,
  quotaRule,
];

/**
 * What a rendering must not do although the API server would take it: the union of what kube-score, kube-linter and polaris ask, Pod Security
 * `restricted` and our own; one line each. What is right by network policies is `network-faults.ts`'s.
 */
export function policyFaults(manifests: readonly Manifest[]): string[] {
  return rules.flatMap((rule) => rule(manifests));
}
