import { type Consistency, decodeConsistencyTokens, ReasonError } from '@ordermesh/contract';
import type { OrderViewReader } from '@ordermesh/read-model';
import { type CallContext, invalidRequest } from '@ordermesh/rpc';

/**
 * The writes that a caller wants to see: the highest position of each partition that its tokens name.
 * @throws ReasonError INVALID_REQUEST for a token that no command answered
 */
export function wantedWrites(call: CallContext, partitions: number): ReadonlyMap<number, bigint> {
  const wanted = new Map<number, bigint>();
  for (const { partition, position } of decodeConsistencyTokens(
    call.metadata('consistency-token'),
  )) {
    if (partition >= partitions) throw foreign({ partition, position });
    if (position > (wanted.get(partition) ?? 0n)) wanted.set(partition, position);
  }
  return wanted;
}

/**
 * To be called when the checkpoint is there: it passes parked events, too, whose writes no view contains.
 * @throws ReasonError ORDER_PARKED
 */
export async function refuseParkedEvent(
  reader: OrderViewReader,
  partition: number,
  position: bigint,
  signal: AbortSignal,
): Promise<void> {
  if (!(await reader.parkedEvent(partition, position, signal))) return;
  const message =
    'The event of the write that you want to see could not be projected and waits for an operator.';
  throw new ReasonError('ORDER_PARKED', message);
}

function foreign({ partition }: Consistency) {
  const detail = `names partition ${partition}, which this system does not have`;
  return invalidRequest([{ field: 'consistency-token', reason: 'consistency_token', detail }]);
}
