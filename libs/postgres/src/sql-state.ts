import pg from 'pg';

/** No connection could be had, so nothing was sent: refused, unreachable, pool exhausted, login refused. The reason is in `cause`. */
export class NoConnectionError extends Error {
  constructor(cause: unknown) {
    super(`no database connection: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
    this.name = 'NoConnectionError';
  }
}

/** Five-character SQLSTATE that the server gave, undefined for errors of the driver or the network. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

const socketErrors = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ERR_STREAM_DESTROYED',
]);

// node-postgres gives these no code.
const driverMessages =
  /^(Connection terminated|Query read timeout|Client has encountered a connection error|Client was closed|timeout expired)/;

/**
 * True when the connection is gone, or has to be given up, and the outcome of what was sent on it is unknown (unless it is a
 * {@link NoConnectionError}): classes 08 and 57P0x, a dead socket, the client-side timer.
 */
export function isConnectionLoss(error: unknown): boolean {
  if (error instanceof NoConnectionError) return true;
  const state = sqlState(error);
  if (state !== undefined) return /^(08|57P0)/.test(state) || state === '25P03';
  if (!(error instanceof Error)) return false;
  const code = (error as NodeJS.ErrnoException).code;
  return (code !== undefined && socketErrors.has(code)) || driverMessages.test(error.message);
}

/** True for serialization failure and deadlock (40001, 40P01): nothing happened, and the same statement may be sent again. */
export function isSerialization(error: unknown): boolean {
  const state = sqlState(error);
  return state === '40001' || state === '40P01';
}

/** True when the server gave up in time and nothing happened: cancel or `statement_timeout` (57014), `lock_timeout` (55P03). */
export function isServerTimeout(error: unknown): boolean {
  const state = sqlState(error);
  return state === '57014' || state === '55P03';
}

/** True for a write on a read-only server (25006): this connection reached a standby, another one may reach the primary. */
export function isReadOnly(error: unknown): boolean {
  return sqlState(error) === '25006';
}

/** True when the data is at fault: classes 22 (data exception) and 23 (constraint). */
export function isDataError(error: unknown): boolean {
  return /^2[23]/.test(sqlState(error) ?? '');
}

/** True for a broken unique constraint (23505). */
export function isUniqueViolation(error: unknown): boolean {
  return sqlState(error) === '23505';
}

/**
 * True for every error that says "not now" rather than "never": lost or refused connection, server-side timeout, serialization failure, read-only
 * server. Whether a write happened is another question: see {@link isConnectionLoss}.
 */
export function isPassing(error: unknown): boolean {
  return (
    isConnectionLoss(error) || isServerTimeout(error) || isSerialization(error) || isReadOnly(error)
  );
}
