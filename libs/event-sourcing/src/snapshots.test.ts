import { metricsText } from '@ordermesh/telemetry';
import { expect, test } from 'vitest';
import type { Snapshot } from './event-store.ts';
import { snapshots } from './snapshots.ts';
import { stateCodec } from './state-codec.ts';

const codec = stateCodec({ revision: 1, shape: { kind: 'integer' } });
const known = (version: number, state = version, snapshotVersion = 0) => ({
  state,
  version,
  snapshotVersion,
});

/** Where snapshots go, held up or broken at will; a real store has tests of its own. */
function destination() {
  const saved: string[] = [];
  let gate: Promise<void> = Promise.resolve();
  return {
    saved,
    hold(until: Promise<void>) {
      gate = until;
    },
    async saveSnapshot({ streamId, version }: Snapshot) {
      await gate;
      saved.push(`${streamId}@${version}`);
    },
  };
}

const writes = async (outcome: string) => {
  const line = `ordermesh_eventstore_snapshot_writes_total\\{outcome="${outcome}"\\} (\\d+)`;
  return Number(new RegExp(line).exec(await metricsText())?.[1] ?? 0);
};

test('takes a snapshot when it is due, and says which version then is the newest', async () => {
  const store = destination();
  await using taken = snapshots({ store, codec, every: 10 });
  expect(taken.offer('a', known(9))).toBe(0);
  expect(taken.offer('a', known(10))).toBe(10);
  expect(taken.offer('a', known(19, 19, 10))).toBe(10);
  expect(taken.offer('a', known(25, 25, 10))).toBe(25);
  await taken.idle();
  expect(store.saved).toEqual(['a@25']);
});

test('writes after the turn in which it became due, one at a time', async () => {
  const store = destination();
  const held = Promise.withResolvers<void>();
  store.hold(held.promise);
  await using taken = snapshots({ store, codec, every: 1 });
  for (const streamId of ['a', 'b', 'c']) taken.offer(streamId, known(1));
  await Promise.resolve();
  expect(store.saved).toEqual([]);
  held.resolve();
  await taken.idle();
  expect(store.saved).toEqual(['a@1', 'b@1', 'c@1']);
});

test('never replaces what is queued by an older state', async () => {
  const store = destination();
  await using taken = snapshots({ store, codec, every: 1 });
  taken.offer('a', known(5));
  expect(taken.offer('a', known(4))).toBe(5);
  await taken.idle();
  expect(store.saved).toEqual(['a@5']);
});

test('drops what is due while too many wait, and takes it when it is offered again', async () => {
  const store = destination();
  await using taken = snapshots({ store, codec, every: 1, maxQueued: 2 });
  const dropped = await writes('dropped');
  expect(['a', 'b', 'c', 'b'].map((streamId) => taken.offer(streamId, known(1)))).toEqual([
    1, 1, 0, 1,
  ]);
  expect(await writes('dropped')).toBe(dropped + 1);
  await taken.idle();
  expect(taken.offer('c', known(2))).toBe(2);
  await taken.idle();
  expect(store.saved).toEqual(['a@1', 'b@1', 'c@2']);
});

test('goes on after one that cannot be encoded or stored, and counts it', async () => {
  const store = destination();
  const [failed, stored] = [await writes('failed'), await writes('stored')];
  await using taken = snapshots({ store, codec, every: 1 });
  taken.offer('a', known(1, 0.5));
  taken.offer('b', known(1));
  await taken.idle();
  expect(store.saved).toEqual(['b@1']);
  const away = Promise.withResolvers<void>();
  away.promise.catch(() => undefined); // heard by whoever saves
  store.hold(away.promise);
  taken.offer('c', known(1));
  away.reject(new Error('away'));
  await taken.idle();
  expect([await writes('failed'), await writes('stored')]).toEqual([failed + 2, stored + 1]);
});

test('finishes the one in flight when it is stopped, and drops the rest', async () => {
  const store = destination();
  const begun = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const taken = snapshots({
    store: {
      async saveSnapshot(snapshot) {
        begun.resolve();
        await held.promise;
        await store.saveSnapshot(snapshot);
      },
    },
    codec,
    every: 1,
  });
  for (const streamId of ['a', 'b']) taken.offer(streamId, known(1));
  await begun.promise;
  const stopping = taken[Symbol.asyncDispose]();
  expect(taken.offer('c', known(1))).toBe(0);
  held.resolve();
  await stopping;
  expect(store.saved).toEqual(['a@1']);
});
