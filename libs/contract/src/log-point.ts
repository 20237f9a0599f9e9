import { type BusMessage, header, isUnplaced } from './bus-message.ts';

/** The last event that something made from the log contains: a bus, or the views of a partition. */
export interface LastEvent {
  /** 0: none yet. */
  readonly position: bigint;
  /** Undefined where nobody could read it; then it is not compared. */
  readonly eventId?: string | undefined;
  /** Undefined until the log was asked once; then it is not compared. */
  readonly logId?: string | undefined;
}

/** What a log has at a position. */
export interface LogPoint {
  /** UUID. Another id is another log, even with the same positions. */
  readonly logId: string;
  /** UUID; undefined: the log ends before that position. */
  readonly eventId: string | undefined;
}

/**
 * The log was rolled back or replaced: what somebody took from it is not in it (any more). Thrown by {@link requireSameLog}. From then on equal positions
 * mean other events, so nobody may go on from there; docs/runbook.md says what to do.
 */
export class LogDivergedError extends Error {
  override readonly name = 'LogDivergedError';
  readonly reason = 'LOG_DIVERGED';
}

/**
 * Compares what somebody has of the log with the log itself.
 * @param name whose last event it is, for the message
 * @param found what the log has at `last.position`
 * @throws LogDivergedError
 */
export function requireSameLog(name: string, last: LastEvent, found: LogPoint): void {
  const differ = (what: string) => {
    throw new LogDivergedError(
      `LOG_DIVERGED: ${name} has ${what}. The log was rolled back or replaced, so ${name} has stopped. Make a new generation and rebuild it: docs/runbook.md`,
    );
  };
  if (last.logId !== undefined && last.logId !== found.logId)
    differ(`events of log ${last.logId}, this is log ${found.logId}`);
  if (last.position === 0n || last.eventId === undefined || last.eventId === found.eventId) return;
  const there =
    found.eventId === undefined ? 'the log ends before it' : `there is ${found.eventId}`;
  differ(`event ${last.eventId} at position ${last.position}, in the log ${there}`);
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A message's event as somebody's last one; an id that is none counts as unreadable, for the bus may hold what others put there. */
export function lastEventOf({ position, headers }: BusMessage, logId?: string): LastEvent {
  const id = headers[header.id] ?? '';
  return { position, eventId: uuid.test(id) ? id : undefined, logId };
}

/**
 * True when messages of a partition cannot be what followed `last` in its log; only the log itself can tell whether it has diverged or they are foreign.
 * Either another event comes at its position, or one beyond it names a predecessor before it, although the log had `last` in between. Every log that was
 * rolled back and went on differs in one of the two ways, for each partition that goes on. Pure.
 */
export function contradicts(messages: readonly BusMessage[], last: LastEvent): boolean {
  let reached = last.position;
  for (const { position, headers } of messages) {
    if (isUnplaced({ position })) continue;
    if (position === last.position && last.eventId !== undefined) {
      if (headers[header.id] !== last.eventId) return true;
    }
    if (position <= reached) continue;
    const prev = headers[header.prev] ?? '';
    if (/^\d{1,18}$/.test(prev) && BigInt(prev) < reached) return true;
    reached = position;
  }
  return false;
}
