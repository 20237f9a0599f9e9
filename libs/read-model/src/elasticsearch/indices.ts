/**
 * Name of this projection with its generation: name of its index and of its consumer group. A lost index or a changed mapping becomes the next
 * generation and replays the log.
 */
export const elasticsearchProjection = 'orders-es@000001';

/** One index, which every request reaches through its alias and none by its name. */
export interface ViewIndex {
  readonly index: string;
  /** Without the generation, so that a rebuild switches the aliases of all three indices at once, in one request. */
  readonly alias: string;
  readonly mappings: Mappings;
}

/** Strict: a field that is not named here is refused, never guessed at. */
export interface Mappings {
  readonly dynamic: 'strict';
  readonly properties: Readonly<
    Record<string, Readonly<Record<string, string | number | boolean>>>
  >;
}

/** Kept, not searched. */
const kept = { type: 'keyword', index: false, doc_values: false } as const;

/** `_id` is the order id, `_version` the view revision. */
const viewMappings: Mappings = {
  dynamic: 'strict',
  properties: {
    order_id: { type: 'keyword' },
    partition: { type: 'integer' },
    status: { type: 'byte' }, // ordermesh.order.v1.OrderStatus
    enrichment: { type: 'byte' }, // ordermesh.order.v1.Enrichment
    customer_id: { type: 'keyword' },
    currency_code: { type: 'keyword' },
    total: { type: 'long' }, // minor units
    // Microseconds since 1970: `date` has milliseconds, `date_nanos` ends in 2262.
    created_at: { type: 'long' },
    // Words that the application cut and folded, with its counts of repetitions (see word-tokens.ts). Without frequencies: see there.
    words: { type: 'text', analyzer: 'whitespace', similarity: 'boolean', index_options: 'docs' },
    doc: { type: 'binary' }, // ordermesh.order.v1.Order
    traceparent: kept,
    tracestate: kept,
  },
};

/** `_id` is the partition, `_version` the position. */
const checkpointMappings: Mappings = {
  dynamic: 'strict',
  properties: {
    partition: { type: 'integer' },
    position: { type: 'long' },
    event_id: kept, // the event there, where it was readable, and
    log_id: kept, // its log: one that was rolled back or replaced has another event there
  },
};

/** `_id` is the position. A key of any length must be storable, hence `ignore_above`: order ids are searched, nothing longer. */
const deadLetterMappings: Mappings = {
  dynamic: 'strict',
  properties: {
    position: { type: 'long' },
    order_id: { type: 'keyword', ignore_above: 512 },
    version: { type: 'integer' },
    partition: { type: 'integer' },
    value: { type: 'binary' },
    headers: { type: 'object', enabled: false },
    error_class: { type: 'keyword', ignore_above: 512 },
    detail: kept,
    attempts: { type: 'integer' },
    parked_at: { type: 'date' },
  },
};

/**
 * The three indices of one projection. Each but the first says in its mapping's `_meta` on which one it is based, by that one's uuid: dead letters on the
 * views, checkpoints on the dead letters. An index whose basis is gone is void, whatever it holds: a checkpoint that
 * outlived its views would leave out all events before it.
 */
export interface ViewIndices {
  readonly views: ViewIndex;
  readonly deadLetters: ViewIndex;
  readonly checkpoints: ViewIndex;
}

/**
 * The alias under which an index of one basis is written, so that whoever has not heard that the views were lost cannot write his dead letters and
 * checkpoints to the indices that replaced those he knew.
 */
export const basedAlias = ({ alias }: ViewIndex, basis: string) => `${alias}-${basis}`;

/** @param projection a base name, `@` and a generation, e.g. {@link elasticsearchProjection} */
export function viewIndices(projection: string): ViewIndices {
  const [base = projection] = projection.split('@');
  const named = (suffix: string, mappings: Mappings): ViewIndex => ({
    index: `${projection}${suffix}`,
    alias: `${base}${suffix}`,
    mappings,
  });
  return {
    views: named('', viewMappings),
    deadLetters: named('-dead-letters', deadLetterMappings),
    checkpoints: named('-checkpoints', checkpointMappings),
  };
}
