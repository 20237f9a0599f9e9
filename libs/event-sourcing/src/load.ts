import type { Aggregate } from './aggregate.ts';
import { loadMetrics } from './load-metrics.ts';
import type { StoredEvent } from './recorded-event.ts';
import type { KnownState } from './state-cache.ts';

/** An aggregate at a version: undefined at 0, when its stream is empty. */
export interface Loaded<State> {
  readonly state: State | undefined;
  readonly version: number;
  /** As in {@link KnownState}. */
  readonly snapshotVersion: number;
}

/** A stream without events. */
export const nothing = { state: undefined, version: 0, snapshotVersion: 0 } as const;

/**
 * A stream's state as it is stored now, in one query: the events beyond the cached state, else those beyond the newest snapshot of this state's schema, else
 * all. What was loaded is cached, and a snapshot is taken in the background when one is due.
 * @throws what the codec or the decider throws on a damaged stream, and an Error when a version is missing
 */
export async function load<Command, State, Event, Rejection>(
  aggregate: Aggregate<Command, State, Event, Rejection>,
  streamId: string,
  signal?: AbortSignal,
): Promise<Loaded<State>> {
  const generation = aggregate.cache?.generation();
  const { base, from, events } = await readOnto(aggregate, streamId, signal);
  const loaded = fold(aggregate, streamId, base, events);
  loadMetrics.rehydrateEvents.record(events.length, { from });
  if (aggregate.cache?.generation() === generation) remember(aggregate, streamId, loaded);
  return loaded;
}

/** Caches a state that the log has held, and offers it as a snapshot. */
export function remember<Command, State, Event, Rejection>(
  { cache, snapshots }: Aggregate<Command, State, Event, Rejection>,
  streamId: string,
  { state, version, snapshotVersion }: Loaded<State>,
): void {
  if (state === undefined) return;
  const known = { state, version, snapshotVersion };
  const newest = snapshots?.offer(streamId, known) ?? snapshotVersion;
  cache?.put(streamId, { ...known, snapshotVersion: newest });
}

/** Events, and the state that they go onto. */
interface Readings<State> {
  readonly base: Loaded<State>;
  readonly from: 'start' | 'snapshot' | 'cache';
  readonly events: readonly StoredEvent[];
}

async function readOnto<Command, State, Event, Rejection>(
  { store, cache, snapshots }: Aggregate<Command, State, Event, Rejection>,
  streamId: string,
  signal?: AbortSignal,
): Promise<Readings<State>> {
  const generation = cache?.generation();
  const cached = cache?.get(streamId);
  if (cached !== undefined) {
    const events = await store.readStream(streamId, cached.version, signal);
    if (cache?.generation() === generation) return { base: cached, from: 'cache', events };
  }
  if (snapshots === undefined) {
    return { base: nothing, from: 'start', events: await store.readStream(streamId, 0, signal) };
  }
  const { codec } = snapshots;
  const read = await store.readFromSnapshot(streamId, codec.schemaHash, signal);
  if (read.snapshot === undefined) {
    if (read.otherSchema) loadMetrics.snapshotDiscards.add(1, { reason: 'schema' });
    return { base: nothing, from: 'start', events: read.events };
  }
  const { version } = read.snapshot;
  try {
    const base = { state: codec.decode(read.snapshot.state), version, snapshotVersion: version };
    loadMetrics.snapshotHits.add(1);
    return { base, from: 'snapshot', events: read.events };
  } catch {
    // Damaged, or of a release that changed the encoding without its hash: the log is the truth.
    loadMetrics.snapshotDiscards.add(1, { reason: 'damaged' });
    return { base: nothing, from: 'start', events: await store.readStream(streamId, 0, signal) };
  }
}

function fold<Command, State, Event, Rejection>(
  { codec, decider }: Aggregate<Command, State, Event, Rejection>,
  streamId: string,
  base: Loaded<State>,
  events: readonly StoredEvent[],
): Loaded<State> {
  let { state, version } = base;
  for (const stored of events) {
    version += 1;
    if (stored.version !== version) {
      throw new Error(
        `stream ${streamId} has version ${stored.version} where ${version} should be`,
      );
    }
    state = decider.evolve(state, codec.decode(stored));
  }
  return { state, version, snapshotVersion: base.snapshotVersion };
}
