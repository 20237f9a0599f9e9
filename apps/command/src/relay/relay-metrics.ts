import { query } from '@ordermesh/postgres';
import { observeGauge } from '@ordermesh/telemetry';
import type { Pool } from 'pg';

const backlogSql = `
  SELECT coalesce((SELECT position FROM events ORDER BY position DESC LIMIT 1), 0) - position AS pending,
    coalesce((SELECT extract(epoch FROM clock_timestamp() - occurred_at) FROM events e WHERE e.position = relay.position + 1), 0)::float8 AS age
  FROM relay WHERE bus = $1`;

/**
 * Exports how far a bus is behind the log, until disposed of. Every process tells, whether it leads or not, from what the database says: the numbers are
 * there when no relay works at all, which is when they matter.
 */
export function relayMetrics(pool: Pool, bus: string): Disposable {
  const read = async () => {
    const statement = { text: backlogSql, values: [bus] };
    // A database that is away is told by other numbers; a scrape must not fail for it.
    const result = await query<{ pending: string; age: number }>(pool, statement).catch(
      () => undefined,
    );
    return result?.rows[0];
  };
  const attributes = { 'messaging.system.name': bus };
  const pending = observeGauge(
    'ordermesh.relay.pending',
    { description: 'Events of the log that the bus has not acknowledged.', unit: '{event}' },
    async (report) => {
      const backlog = await read();
      if (backlog) report(Number(backlog.pending), attributes);
    },
  );
  const oldest = observeGauge(
    'ordermesh.relay.oldest_age',
    { description: 'Age of the oldest event that the bus has not acknowledged.', unit: 's' },
    async (report) => {
      const backlog = await read();
      if (backlog) report(backlog.age, attributes);
    },
  );
  return {
    [Symbol.dispose]() {
      pending[Symbol.dispose]();
      oldest[Symbol.dispose]();
    },
  };
}
