import type { Aggregate } from './aggregate.ts';

/** An aggregate at a version: undefined at 0, when its stream is empty. */
export interface Loaded<State> {
  readonly state: State | undefined;
  readonly version: number;
}

/**
 * Folds a stream as it is stored now.
 * @throws what the codec or the decider throws on a damaged stream, and an Error when a version is missing
 */
export async function load<Command, State, Event, Rejection>(
  { store, codec, decider }: Aggregate<Command, State, Event, Rejection>,
  streamId: string,
  signal?: AbortSignal,
): Promise<Loaded<State>> {
  let state: State | undefined;
  let version = 0;
  for (const stored of await store.readStream(streamId, 0, signal)) {
    version += 1;
    if (stored.version !== version) {
      throw new Error(
        `stream ${streamId} has version ${stored.version} where ${version} should be`,
      );
    }
    state = decider.evolve(state, codec.decode(stored));
  }
  return { state, version };
}
