import type { Aggregate } from './aggregate.ts';
import type { Append, AppendOutcome } from './event-store.ts';
import { type ExpectedVersion, isExpected, namesVersion } from './expected-version.ts';
import { type Idempotency, type StoredAnswer, sameHash } from './idempotency.ts';
import { type Loaded, load, nothing, remember } from './load.ts';
import { loadMetrics } from './load-metrics.ts';
import type { EventMetadata } from './recorded-event.ts';

/** Everything about one command but the command itself. */
export interface ExecuteOptions<State> {
  /** UUID, lower case. */
  readonly streamId: string;
  readonly expected: ExpectedVersion;
  /**
   * Whether the caller may know of the stream. One that they may not is absent in every check: the decider sees no state, and no version conflicts.
   * By default every stream; not for commands that create, because they are refused a stream that is there, whoever has it.
   */
  readonly mayKnow?: ((state: State) => boolean) | undefined;
  /** Whether the command begins its stream, as far as anybody knows: then the stream is not read first but taken for empty, and the append finds out. False by default. */
  readonly begins?: boolean;
  /** Set when the caller sent a key: then the command happens at most once. */
  readonly idempotency?: Idempotency;
  readonly metadata: EventMetadata;
  /**
   * The answer to the caller, without its consistency token, made before anything is stored, because it is stored with the events. Called
   * again when the command is decided again.
   * @param state after the command
   * @param version after the command
   */
  readonly respond: (state: State, version: number) => Uint8Array;
  /** A new UUIDv7. */
  readonly newId: () => string;
  /** When the command is decided: the events' `occurredAt`. */
  readonly now: Date;
  /** Stops loading, and sending what was not sent yet. What was sent already goes on alone and may be stored: see `EventStore.append`. */
  readonly signal?: AbortSignal;
}

/** What became of a command. */
export type Executed<Rejection> =
  /** Done now. */
  | {
      readonly type: 'appended';
      /** Of the stream after the command. */
      readonly version: number;
      readonly response: Uint8Array;
      /** Of the last event. */
      readonly partition: number;
      readonly position: bigint;
    }
  /** Done earlier, under the same key: answer the same again. */
  | ({ readonly type: 'replayed' } & Pick<StoredAnswer, 'response' | 'partition' | 'position'>)
  /** The decider refused, on what is stored. */
  | { readonly type: 'rejected'; readonly rejection: Rejection }
  /** The stream is at `actual` (0: there is none); also when others were faster each time that the command was decided. */
  | { readonly type: 'conflict'; readonly expected: ExpectedVersion; readonly actual: number }
  /** The key belongs to another request. */
  | { readonly type: 'key_reused' };

/** How often a command whose caller named no version is decided again when others were faster. */
const reloads = 3;

/**
 * Loads, decides, appends. The checks rank: idempotency key, existence, expected version, the decider's rules; so a version mismatch is a conflict even
 * where a rule would refuse too, a second create with `no_stream` is a conflict, and without it the decider's to refuse. When the caller
 * named no version and others were faster, the command is decided again on what they stored, at most 3 times.
 *
 * A command whose stream is cached, or that begins it, takes one round trip: the append compares the version that it was decided on. What the cached or empty state refuses is decided
 * again on what is stored before anybody hears of it, for another process may have moved the stream.
 * @throws what the store throws (nothing happened, or the outcome is unknown), what a damaged stream throws, the signal's reason
 */
export async function execute<Command, State, Event, Rejection>(
  aggregate: Aggregate<Command, State, Event, Rejection>,
  command: Command,
  options: ExecuteOptions<State>,
): Promise<Executed<Rejection>> {
  for (let attempt = 0; ; attempt++) {
    const generation = aggregate.cache?.generation();
    const { loaded, checked } = await decide(aggregate, command, options, attempt === 0);
    if (checked.type !== 'accepted') return (await answered(aggregate, options)) ?? checked;

    const append = toAppend(aggregate, loaded, checked, options);
    const outcome = await appendAndRemember(aggregate, append, generation, options.signal);
    if (outcome.type === 'conflict') {
      const again = !namesVersion(options.expected) && attempt < reloads;
      if (again) continue;
      const expected = namesVersion(options.expected) ? options.expected : loaded.version;
      return { type: 'conflict', expected, actual: outcome.actual };
    }
    if (outcome.type === 'replayed') return replayed(outcome.answer);
    if (outcome.type === 'key_reused') return outcome;
    return { ...outcome, response: append.response };
  }
}

type Checked<Event, Rejection> =
  | { readonly type: 'accepted'; readonly events: readonly Event[] }
  | Extract<Executed<Rejection>, { type: 'rejected' | 'conflict' }>;

/** Decides on the cached state, or none where a stream begins, if that accepts, else on what is stored now: a refusal is never the cache's. */
async function decide<Command, State, Event, Rejection>(
  aggregate: Aggregate<Command, State, Event, Rejection>,
  command: Command,
  options: ExecuteOptions<State>,
  mayBeCached: boolean,
): Promise<{
  readonly loaded: Loaded<State>;
  readonly checked: Checked<Event, Rejection>;
}> {
  const { streamId, begins = false, signal } = options;
  const assumed = mayBeCached
    ? (cached(aggregate, streamId) ?? (begins ? nothing : undefined))
    : undefined;
  if (assumed !== undefined) {
    const loaded = known(assumed, options);
    const checked = check(aggregate, command, loaded, options);
    if (checked.type === 'accepted') return { loaded, checked };
  }
  const loaded = known(await load(aggregate, streamId, signal), options);
  return { loaded, checked: check(aggregate, command, loaded, options) };
}

function cached<Command, State, Event, Rejection>(
  { cache }: Aggregate<Command, State, Event, Rejection>,
  streamId: string,
): Loaded<State> | undefined {
  const found = cache?.get(streamId);
  if (cache) (found === undefined ? loadMetrics.cacheMisses : loadMetrics.cacheHits).add(1);
  return found;
}

/** The stream as its caller may know it. */
function known<State>(loaded: Loaded<State>, { mayKnow }: ExecuteOptions<State>): Loaded<State> {
  const isHidden = loaded.state !== undefined && mayKnow?.(loaded.state) === false;
  return isHidden ? nothing : loaded;
}

function check<Command, State, Event, Rejection>(
  { decider }: Aggregate<Command, State, Event, Rejection>,
  command: Command,
  { state, version }: Loaded<State>,
  { expected }: ExecuteOptions<State>,
): Checked<Event, Rejection> {
  const conflict = { type: 'conflict', expected, actual: version } as const;
  // Existence outranks the version: on an empty stream the decider speaks first, because only it knows which commands create.
  if (version > 0 && !isExpected(expected, version)) return conflict;
  const decision = decider.decide(command, state);
  if (!decision.ok) return { type: 'rejected', rejection: decision.rejection };
  return isExpected(expected, version) ? { type: 'accepted', events: decision.events } : conflict;
}

/** An append, and what the stream is before and after it. */
interface Prepared<State> {
  readonly request: Append;
  readonly response: Uint8Array;
  readonly loaded: Loaded<State>;
  readonly after: Loaded<State>;
}

function toAppend<Command, State, Event, Rejection>(
  { decider, codec }: Aggregate<Command, State, Event, Rejection>,
  loaded: Loaded<State>,
  { events }: { readonly events: readonly Event[] },
  options: ExecuteOptions<State>,
): Prepared<State> {
  const { metadata, newId, now, idempotency } = options;
  let { state } = loaded;
  for (const event of events) state = decider.evolve(state, event);
  if (state === undefined || events.length === 0)
    throw new Error('a decision has at least one event');
  const version = loaded.version + events.length;
  const response = options.respond(state, version);
  const request = {
    streamId: options.streamId,
    // What it was decided on, whatever the caller expected.
    expected: loaded.version === 0 ? ('no_stream' as const) : loaded.version,
    events: events.map((event) => ({
      ...codec.encode(event),
      ...metadata,
      eventId: newId(),
      occurredAt: now,
    })),
    ...(idempotency === undefined ? {} : { idempotency: { ...idempotency, response } }),
  };
  return { request, response, loaded, after: { ...loaded, state, version } };
}

/**
 * Appends, and keeps the cache true: after an append it has the new state, after anything else (the command failed, its outcome is unknown, somebody was
 * faster) nothing that this command was decided on.
 */
async function appendAndRemember<Command, State, Event, Rejection>(
  aggregate: Aggregate<Command, State, Event, Rejection>,
  { request, loaded, after }: Prepared<State>,
  generation: number | undefined,
  signal: AbortSignal | undefined,
): Promise<AppendOutcome> {
  const { streamId } = request;
  let outcome: AppendOutcome | undefined;
  try {
    outcome = await aggregate.store.append(request, signal);
  } finally {
    const isSameLog = generation === aggregate.cache?.generation();
    if (outcome?.type === 'appended' && isSameLog) remember(aggregate, streamId, after);
    else if (outcome?.type === 'conflict' && outcome.actual > loaded.version) {
      // A command of this process that won the race has cached what is stored now.
      aggregate.cache?.evict(streamId, outcome.actual);
    } else aggregate.cache?.evict(streamId);
  }
  return outcome;
}

/**
 * A key outranks every refusal: a retried PayOrder must hear "paid", not "already paid". Looked up after the refusal was decided, so whatever state
 * made it refuse, the key that was stored with that state is seen.
 */
async function answered<Command, State, Event, Rejection>(
  { store }: Aggregate<Command, State, Event, Rejection>,
  { idempotency, signal }: ExecuteOptions<State>,
): Promise<Extract<Executed<Rejection>, { type: 'replayed' | 'key_reused' }> | undefined> {
  if (idempotency === undefined) return undefined;
  const answer = await store.findAnswer(idempotency.key, signal);
  if (answer === undefined) return undefined;
  return sameHash(answer.requestHash, idempotency.requestHash)
    ? replayed(answer)
    : { type: 'key_reused' };
}

function replayed({ response, partition, position }: StoredAnswer) {
  return { type: 'replayed', response, partition, position } as const;
}
