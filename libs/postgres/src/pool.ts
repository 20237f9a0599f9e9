import pg from 'pg';

/** Options of {@link createPool}. */
export interface PoolOptions {
  /** Database to connect to, `postgres://role:password@host:port/database`. Its parameters win over all that is below. */
  readonly url: string;
  /** Most connections at once. */
  readonly max: number;
  /** `application_name` in `pg_stat_activity`, e.g. `ordermesh-query`. */
  readonly name: string;
  /**
   * The server ends a statement after this time (57014, nothing happened). 5000 by default. One second later the client gives up on its own
   * and drops the connection: then the server is unreachable and a write's outcome unknown.
   */
  readonly statementTimeoutMs?: number;
  /** Further server settings of each connection, also instead of those below, e.g. `{lock_timeout: '1s'}`. */
  readonly settings?: Readonly<Record<string, string>>;
  /**
   * Sends a statement of a connection without waiting for the answer to the one before: they run one after the other all the same. False by default.
   */
  readonly pipeline?: boolean;
  /** Told about connections that broke while idle; the pool replaces them by itself. A process warning by default. */
  readonly onError?: (error: Error) => void;
}

/**
 * A pool that survives everything the server does: lost connections are reported and replaced, never thrown. Connects lazily, gives up on
 * connecting (or on waiting for a free connection) after 5 s. Locks are waited for 5 s at most; a transaction left idle for 10 s is ended by the
 * server; a statement whose client is gone is ended within a second.
 *
 * `await pool.end()` closes it, after the statements in flight.
 */
export function createPool(options: PoolOptions): pg.Pool {
  const statementTimeoutMs = options.statementTimeoutMs ?? 5000;
  const settings = {
    statement_timeout: `${statementTimeoutMs}ms`,
    lock_timeout: `${Math.min(5000, statementTimeoutMs)}ms`,
    idle_in_transaction_session_timeout: '10s',
    // Aborted reads just drop their connection; this makes the server notice, without a second connection for a cancel request.
    client_connection_check_interval: '1s',
    ...options.settings,
  };
  const pool = new pg.Pool({
    connectionString: withSettings(options.url, settings),
    max: options.max,
    pipeline: options.pipeline ?? false,
    application_name: options.name,
    connectionTimeoutMillis: 5000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // It counts from the sending, and a statement that was sent ahead waits for the one before.
    query_timeout: (options.pipeline ? 2 : 1) * statementTimeoutMs + 1000,
  });
  const report =
    options.onError ?? ((error) => process.emitWarning(error.message, { type: 'PostgresPool' }));
  pool.on('error', report);
  // While a client is checked out the pool does not listen to it; without a listener its 'error' event would end the process, although
  // the statement in flight is rejected anyway.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/**
 * The URL with server settings in its parameter `options`, before those that it has: the server takes the last of a name. In the URL because its
 * `options` would replace, not extend, an option of the pool. Blanks and backslashes are escaped as the server wants it.
 */
function withSettings(url: string, settings: Readonly<Record<string, string>>): string {
  const extended = new URL(url);
  const given = extended.searchParams.get('options');
  const ours = Object.entries(settings).map(
    ([name, value]) => `-c ${name}=${value.replace(/[\\\s]/g, '\\$&')}`,
  );
  extended.searchParams.set('options', [...ours, ...(given === null ? [] : [given])].join(' '));
  return extended.href;
}
