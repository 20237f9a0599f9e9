import { counter, gauge } from '@ordermesh/telemetry';
import type { CircuitState, ThreeValuedBreaker } from './three-valued-breaker.ts';

const numbers: Readonly<Record<CircuitState, number>> = { closed: 0, open: 1, half_open: 2 };

const state = gauge('circuit_breaker.state', {
  description: 'State of a circuit: 0 closed, 1 open, 2 half-open.',
});
const transitions = counter('circuit_breaker.transitions', {
  description: 'Changes of state of a circuit, by the state entered.',
  unit: '{transition}',
});

/**
 * Reports a circuit from now on: `circuit_breaker.state`, and `circuit_breaker.transitions` with attribute `to`.
 * @param target name of the dependency, attribute of both
 */
export function reportCircuit(target: string, breaker: ThreeValuedBreaker): void {
  state.record(numbers[breaker.state()], { target });
  for (const to of Object.keys(numbers)) transitions.add(0, { target, to });
  breaker.onStateChange((to) => {
    state.record(numbers[to], { target });
    transitions.add(1, { target, to });
  });
}
