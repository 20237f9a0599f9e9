import type { PostgresEventStore } from '@ordermesh/event-store-postgres';
import { metricsText } from '@ordermesh/telemetry';
import { databaseOutage, eventually } from '@ordermesh/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { orderRequest, refusal, rpc } from '../test/serve-command.ts';
import { command, database } from '../test/served-log.ts';
import { purgeIdempotency } from './purge-idempotency.ts';

beforeEach(async () => {
  await command.pool.query('TRUNCATE idempotency');
});

const hourMs = 3_600_000;
const create = (key: string, request = orderRequest()) =>
  command.call(rpc.createOrder, request, { metadata: { 'idempotency-key': key } });
const keys = async () =>
  (await command.pool.query<{ n: number }>('SELECT count(*)::int AS n FROM idempotency')).rows[0]
    ?.n;
const age = (hours: number) =>
  command.pool.query(`UPDATE idempotency SET created_at = now() - interval '${hours} hours'`);
const purged = async () =>
  Number(/^ordermesh_idempotency_purged_total (\d+)/m.exec(await metricsText())?.[1] ?? 0);

describe('purgeIdempotency()', () => {
  it('forgets at once what is older than the retention, and only that', async () => {
    const old = orderRequest();
    await create('old', old);
    await age(25);
    const recent = orderRequest();
    await create('recent', recent);
    const before = await purged();
    await using _ = purgeIdempotency(command.store, 24 * hourMs);
    await eventually(async () => (await keys()) === 1);
    await eventually(async () => (await purged()) === before + 1);
    expect((await create('recent', recent)).message.order?.version).toBe(1);
    // Its key is free again, so that it is an order like any other.
    expect((await refusal(create('old', old))).reason).toBe('ORDER_ALREADY_EXISTS');
  });

  it('goes on round by round', async () => {
    await using _ = purgeIdempotency(command.store, 24 * hourMs, 20);
    for (const key of ['first', 'second']) {
      await create(key);
      await age(25);
      await eventually(async () => (await keys()) === 0);
    }
  });

  it('tries again after a round that failed', async () => {
    await create('a');
    await age(25);
    const outage = databaseOutage(database);
    await outage.begin();
    let rounds = 0;
    const counted: Pick<PostgresEventStore, 'purgeIdempotency'> = {
      purgeIdempotency(olderThan, signal) {
        rounds++;
        return command.store.purgeIdempotency(olderThan, signal);
      },
    };
    await using _ = purgeIdempotency(counted, 24 * hourMs, 20);
    await eventually(() => rounds > 1).finally(() => outage.end());
    await eventually(async () => (await keys()) === 0);
  });

  it('ends at once when it is disposed of, also while it waits for a lock', async () => {
    const holder = await command.pool.connect();
    try {
      await holder.query('BEGIN; LOCK TABLE idempotency');
      const purge = purgeIdempotency(command.store, 24 * hourMs);
      const waiting = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      await eventually(async () => (await command.pool.query(waiting)).rows.length > 0);
      const startedAt = performance.now();
      await purge[Symbol.asyncDispose]();
      expect(performance.now() - startedAt).toBeLessThan(2_000); // lock_timeout is 5 s
    } finally {
      await holder.query('ROLLBACK');
      holder.release();
    }
  });
});
