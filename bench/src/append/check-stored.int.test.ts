import { randomUUID } from 'node:crypto';
import { testDatabase, withClient } from '@ordermesh/testing';
import type { Client } from 'pg';
import { expect, test } from 'vitest';
import { checkStored, countStored } from './check-stored.ts';

const stored = { events: 'events', dense: true, beside: ['keys'] };

async function afterTwoEvents(damage: (client: Client) => Promise<unknown>, acknowledged = 2) {
  await using database = await testDatabase();
  await withClient(database.url, async (client) => {
    await client.query(
      'CREATE TABLE events (position bigint, stream_id uuid, version integer); CREATE TABLE keys ()',
    );
    const insert = 'INSERT INTO events VALUES (1, $1, 1)';
    await client.query(insert, [randomUUID()]);
    const before = await countStored(client, stored);
    await client.query(
      "INSERT INTO events SELECT position, '00000000-0000-4000-8000-000000000001', position - 1 FROM generate_series(2, 3) AS position",
    );
    await client.query('INSERT INTO keys SELECT FROM generate_series(1, 2)');
    await damage(client);
    await checkStored(client, stored, before, acknowledged);
  });
}

test('passes a run whose events are all there once', async () => {
  await afterTwoEvents(async () => {});
});

test('fails a run that lost or doubled an acknowledged event', async () => {
  await expect(afterTwoEvents(async () => {}, 3)).rejects.toThrow(
    '3 events acknowledged, 2 of them stored',
  );
  await expect(afterTwoEvents(async () => {}, 1)).rejects.toThrow(
    '1 events acknowledged, 2 of them stored',
  );
});

test('fails a run that left a gap in a stream, a gap in the positions, or a key too few', async () => {
  const change = (text: string) => (client: Client) => client.query(text);
  await expect(
    afterTwoEvents(change('UPDATE events SET version = 3 WHERE position = 3')),
  ).rejects.toThrow('1 streams have a gap');
  await expect(
    afterTwoEvents(change('UPDATE events SET position = 4 WHERE position = 3')),
  ).rejects.toThrow('3 events, but the last position is 4');
  await expect(
    afterTwoEvents(change('DELETE FROM keys WHERE ctid = (SELECT min(ctid) FROM keys WHERE true)')),
  ).rejects.toThrow('keys got 1 rows');
});
