import type { AppendOutcome } from '@ordermesh/event-sourcing';
import {
  isConnectionLoss,
  isDataError,
  isReadOnly,
  isSerialization,
  sqlState,
} from '@ordermesh/postgres';
import type { Pool } from 'pg';
import { conflicts, judgedAgain, unknownOutcomes } from './append-metrics.ts';
import { appendStatement, type EncodedCommand } from './append-statement.ts';
import { type Backend, backendOf, fence } from './backend.ts';
import { findAppended } from './find-appended.ts';
import type { Share } from './shared-connection.ts';
import { dataError, notStored, outcomeUnknown, storeError } from './store-error.ts';

/** Where batches go. */
export interface Target {
  /** One connection, only for batches: {@link sharedConnection}. */
  readonly writer: () => Promise<Share>;
  /** Other connections to the same server as the same role: to fence and to look. */
  readonly pool: Pool;
  /** How long may be taken to find out what became of a batch whose connection was lost. */
  readonly resolveWithinMs: number;
}

type Settled = AppendOutcome | Error;

/** How often a command is sent whose batch the server rolled back, or lost. */
const attempts = 3;

/** How many batches are judged command by command after one was refused whole: refusals come in crowds, and each costs a batch its first try. */
const judgedAfterRefusal = 64;

/**
 * Appends a batch by one statement ({@link appendStatement}), in autocommit, and resolves with what became of each command. Never rejects for the database's sake:
 *
 * - a batch that was sent to be stored whole and was not: it is sent again, to be judged command by command;
 * - a data error (classes 22, 23): one of them cannot be stored, so each is sent alone;
 * - serialization failure, deadlock: sent again;
 * - a lost connection, or an answer that cannot be read: its backend is fenced, the log is looked at, what is in it was appended, what is not is sent again. When that is not possible in
 *   time the outcome is unknown;
 * - any other error: nothing happened.
 */
export async function sendBatch(
  target: Target,
  batch: readonly EncodedCommand[],
  attempt = 1,
  judged = false,
): Promise<readonly Settled[]> {
  if (batch.length === 0) return [];
  const sent = await send(target.writer, batch, judged);
  if (sent.type === 'answered') return sent.outcomes ?? sendBatch(target, batch, attempt, true);
  const { error } = sent;
  if (sent.type === 'lost') return findOut(target, batch, sent.backend, error, attempt);
  if (isSerialization(error) && attempt < attempts)
    return sendBatch(target, batch, attempt + 1, judged);
  if (!isDataError(error)) return batch.map(() => storeError(error));
  if (batch.length === 1) return [dataError(error)];
  const settled: Settled[] = [];
  for (const one of batch) settled.push(...(await sendBatch(target, [one])));
  return settled;
}

type Sent =
  /** Without outcomes nothing was stored, and the batch is to be judged. */
  | { readonly type: 'answered'; readonly outcomes: readonly AppendOutcome[] | undefined }
  /** Nothing was stored. */
  | { readonly type: 'refused'; readonly error: unknown }
  /** The batch was sent, and no answer came. */
  | { readonly type: 'lost'; readonly backend: Backend; readonly error: unknown };

async function send(
  writer: () => Promise<Share>,
  batch: readonly EncodedCommand[],
  judged: boolean,
): Promise<Sent> {
  let backend: Backend | undefined;
  let broken = true;
  try {
    const { client, leave } = await writer();
    try {
      backend = await backendOf(client);
      const isCareful = !judged && backend.toJudge > 0;
      const { statement, outcomesOf } = appendStatement(
        batch,
        backend.rowType,
        judged || isCareful,
      );
      const outcomes = outcomesOf((await client.query(statement)).rows);
      broken = false;
      if (outcomes === undefined) {
        backend.toJudge = judgedAfterRefusal;
        judgedAgain.add(1);
      } else {
        if (isCareful) backend.toJudge--;
        const conflicting = outcomes.filter(({ type }) => type === 'conflict').length;
        if (conflicting > 0) conflicts.add(conflicting);
      }
      return { type: 'answered', outcomes };
    } catch (error) {
      broken = isAnswerLost(error) || isReadOnly(error);
      throw error;
    } finally {
      leave(broken);
    }
  } catch (error) {
    // Without a backend nothing was sent yet.
    if (backend && isAnswerLost(error)) return { type: 'lost', backend, error };
    return { type: 'refused', error };
  }
}

/** Only the server's own word says that nothing was stored: not the driver's, nor that of a server that ends the connection. */
const isAnswerLost = (error: unknown) => sqlState(error) === undefined || isConnectionLoss(error);

async function findOut(
  target: Target,
  batch: readonly EncodedCommand[],
  backend: Backend,
  error: unknown,
  attempt: number,
): Promise<readonly Settled[]> {
  const found = await look(target, batch, backend);
  if (found === undefined) {
    unknownOutcomes.add(batch.length, { resolution: 'unresolved' });
    return batch.map(() => outcomeUnknown(error));
  }
  // The batch is dead and what is not in the log never will be, so it can be sent again; as it can if it was refused: then it is judged anew.
  const missing = batch.filter((_, index) => found[index] === undefined);
  unknownOutcomes.add(batch.length - missing.length, { resolution: 'stored' });
  unknownOutcomes.add(missing.length, { resolution: 'not_stored' });
  const again =
    attempt < attempts
      ? await sendBatch(target, missing, attempt + 1)
      : missing.map(() => notStored(error));
  const rest = again.values();
  return found.map((outcome) => outcome ?? (rest.next().value as Settled));
}

/** Undefined when it cannot be found out in time. */
async function look(
  { pool, resolveWithinMs }: Target,
  batch: readonly EncodedCommand[],
  backend: Backend,
): Promise<readonly (AppendOutcome | undefined)[] | undefined> {
  const signal = AbortSignal.timeout(resolveWithinMs);
  try {
    await fence(pool, backend, signal);
    return await findAppended(
      pool,
      batch.map(({ command }) => command),
      signal,
    );
  } catch {
    return undefined; // the error that every caller is told is the batch's own
  }
}
