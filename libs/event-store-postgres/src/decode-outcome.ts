import type { AppendOutcome } from '@ordermesh/event-sourcing';

/** A row of the SQL function `append_batch`. */
export interface OutcomeRow {
  readonly outcome: 'appended' | 'conflict' | 'replayed' | 'key_reused';
  readonly version: number;
  readonly partition: number;
  readonly position: string;
  readonly request_hash: Buffer;
  readonly response: Buffer;
}

/** An outcome of the SQL function in the words of the port. */
export function decodeOutcome(row: OutcomeRow): AppendOutcome {
  const { outcome, version, partition } = row;
  switch (outcome) {
    case 'appended':
      return { type: outcome, version, partition, position: BigInt(row.position) };
    case 'conflict':
      return { type: outcome, actual: version };
    case 'key_reused':
      return { type: outcome };
    case 'replayed': {
      const { request_hash: requestHash, response } = row;
      const answer = { requestHash, response, partition, position: BigInt(row.position) };
      return { type: outcome, answer };
    }
    default:
      return outcome satisfies never;
  }
}
