import { counter, histogram, observeGauge } from '@ordermesh/telemetry';

const seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 500];

/** From the call to its outcome, waiting included. */
export const appendDuration = histogram('ordermesh.eventstore.append.duration', {
  description: 'Time that appending one command takes, waiting for its batch included.',
  unit: 's',
  boundaries: seconds,
});
/** Per statement sent. */
export const batchSize = histogram('ordermesh.eventstore.batch.size', {
  description: 'Commands per batch.',
  unit: '{command}',
  boundaries: sizes,
});
/** Decided by the database. */
export const conflicts = counter('ordermesh.eventstore.conflicts', {
  description: 'Commands whose stream was not at the expected version.',
  unit: '{command}',
});
conflicts.add(0);
/** Each one was sent twice, because of a conflict or a repeated key. */
export const judgedAgain = counter('ordermesh.eventstore.batches.judged_again', {
  description: 'Batches that were refused whole and then judged command by command.',
  unit: '{batch}',
});
judgedAgain.add(0);
/** Attribute `resolution`: `stored` or `not_stored` when it was found out, `unresolved` when the caller had to be told OUTCOME_UNKNOWN. */
export const unknownOutcomes = counter('ordermesh.eventstore.unknown_outcomes', {
  description: 'Commands whose connection was lost before the answer.',
  unit: '{command}',
});
for (const resolution of ['stored', 'not_stored', 'unresolved'])
  unknownOutcomes.add(0, { resolution });

let queued = 0;
observeGauge(
  'ordermesh.eventstore.queue.depth',
  { description: 'Commands that wait to be sent.', unit: '{command}' },
  (report) => report(queued),
);

/** Tells of commands that began (positive) or ended (negative) to wait, in any store of this process. */
export function changeQueueDepth(by: number): void {
  queued += by;
}
