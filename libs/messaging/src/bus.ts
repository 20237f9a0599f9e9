import type { BusMessage } from '@ordermesh/contract';

/**
 * Ordered events for groups of consumers.
 *
 * Guarantees, the same for every adapter:
 * - **Order**: the messages of one partition come in the order of their positions, one batch at a time. Events of one order share a partition, so
 *   they come in the order of their versions. Nothing is promised between partitions.
 * - **At least once**: a message comes again when its batch was rejected, when the process died, or when the partition moved before the offset
 *   was committed. A handler has to recognise what it has done already (by position or version).
 * - **One owner**: within a group each partition belongs to one consumer at a time. A consumer that lost a partition hears it through the
 *   batch's signal, and its late commit is refused. A process that was frozen longer than its lease may still be inside a batch when
 *   its successor starts: stores have to be guarded by revision, as ours are.
 * - **Every message carries the chain**: header `ordermesh-prev` is the position of the message before it in the partition.
 */
export interface Bus {
  /**
   * Joins a group and starts to consume in the background; a group that never consumed starts at the beginning of the log.
   * @returns once the group is joined; partitions come afterwards, see {@link Consumer.partitions}
   * @throws when the bus cannot be reached, or has another number of partitions than it was told
   */
  consume(options: ConsumeOptions): Promise<Consumer>;
}

/** What {@link Bus.consume} needs. */
export interface ConsumeOptions {
  /** Consumers of the same group share the partitions; each group sees every message. */
  readonly group: string;
  readonly handler: BatchHandler;
  /** Most messages of one batch. 256 by default. */
  readonly maxBatch?: number;
  /** Least time between two {@link BatchHandler.idle} calls for one partition. 1000 by default. */
  readonly idleEveryMs?: number;
  /** True for a rebuild: no message continues the trace that created it, see {@link Batch.replay}. False by default. */
  readonly replay?: boolean;
}

/** Consecutive messages of one partition, never empty. */
export interface Batch {
  readonly partition: number;
  /** In the order of their positions. */
  readonly messages: readonly BusMessage[];
  /** Aborts when the partition is lost, or the consumer stops and its grace is over: what the batch does from then on is in vain. */
  readonly signal: AbortSignal;
  /** True when all of it is history (a rebuild, or events older than an hour); its work then belongs to a trace of its own. */
  readonly replay?: boolean;
}

/**
 * The consumer's side. The bus calls it: for one partition one call at a time, in the order `assigned`, then any of `batch` and `idle`, then
 * `revoked`; for several partitions at the same time.
 */
export interface BatchHandler {
  /**
   * Once for each partition gained, before its first batch: load what the partition needs. Rejecting means an infrastructure fault: called again
   * after a jittered pause.
   */
  assigned(partition: number, signal: AbortSignal): Promise<void>;
  /**
   * Resolving means done: the offset behind the batch is committed, soon and in the background. Rejecting means an infrastructure fault: the
   * same batch comes again after a jittered pause, for ever, while other partitions go on. A message that can never be handled is the
   * handler's to set aside; it must not reject for it.
   */
  batch(batch: Batch): Promise<void>;
  /**
   * Housekeeping of the partition's owner (repair, retries) while there is nothing to read. New messages wait until it settles, so it does
   * little at a time. What it rejects with is logged; it comes again after `idleEveryMs`.
   */
  idle?(partition: number, signal: AbortSignal): Promise<void>;
  /** After the last call for a partition that is given away, lost, or not needed any more. What it rejects with is logged. */
  revoked(partition: number): Promise<void>;
}

/**
 * A running member of a group. Disposing: nothing new is started, running batches may finish (then they are committed) until the grace is over,
 * and the partitions are given back at once, so that a successor need not wait for a lease to expire. Never rejects.
 */
export interface Consumer extends AsyncDisposable {
  /** The partitions this consumer owns now. */
  partitions(): ReadonlySet<number>;
  /**
   * Events behind, for each partition owned: those that are known to wait plus those of the running batch. Exact when little waits; measured every few
   * seconds, and capped, while much does. Also the gauge `ordermesh.consumer.lag`.
   */
  lag(): ReadonlyMap<number, number>;
}
