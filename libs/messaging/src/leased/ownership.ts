import type { Logger } from '@ordermesh/telemetry';
import type { Lease, LeaseStore, Offset } from './lease-store.ts';
import type { OwnedPartition } from './owned-partition.ts';

/** The partitions of one consumer, kept in line with the leases in the store. */
export interface Ownership {
  /** Partitions owned and not being given up. */
  kept(): readonly OwnedPartition[];
  get(partition: number): OwnedPartition | undefined;
  /** One heartbeat: renews, gains up to the fair share, gives up what is above it. */
  tend(): Promise<void>;
  /** True while others are expected to hand partitions over. */
  isShort(): boolean;
  /** An offset was refused, or a lease ran out: what runs for this partition is stopped. */
  lose(lease: Pick<Offset, 'partition' | 'epoch'>): void;
  /**
   * Gives up everything: gains nothing more, and heartbeats only keep alive what still finishes. Resolves when all partitions are released; they
   * are released one by one, as what runs in them settles.
   */
  leave(): Promise<void>;
  /** Fires the signals of whatever still runs. */
  abortAll(reason: Error): void;
}

/** @param own starts to work on a partition just gained */
export function ownership(
  leases: LeaseStore,
  own: (lease: Lease) => OwnedPartition,
  log: Logger,
): Ownership {
  const owned = new Map<number, OwnedPartition>();
  const endings = new Map<OwnedPartition, Promise<void>>();
  let share = 0;
  let leaving = false;

  const kept = () => [...owned.values()].filter((one) => !one.isClosing());

  async function tend(): Promise<void> {
    const known = new Map(owned);
    // Also those that finish their last batch; not those that were lost.
    const renew = [...known.values()].filter((one) => !one.isAborted());
    const wasLeaving = leaving;
    const tended = await leases.tend(
      renew.map((one) => one.partition),
      [...known.keys()],
      wasLeaving,
    );
    const held = new Map(tended.leases.map((lease) => [lease.partition, lease]));
    for (const one of renew) {
      const lease = held.get(one.partition);
      if (lease?.epoch === one.epoch) one.renewed(lease.validUntil);
      else lose(one);
    }
    for (const lease of held.values()) {
      if (known.has(lease.partition)) continue;
      if (leaving) await leases.release(lease);
      else gain(lease);
    }
    if (wasLeaving) return;
    share = tended.share;
    for (const one of surplus(kept(), share)) void giveUp(one);
  }

  function gain(lease: Lease): void {
    log.debug({ partition: lease.partition, epoch: String(lease.epoch) }, 'partition gained');
    owned.set(lease.partition, own(lease));
  }

  function lose({ partition, epoch }: Pick<Offset, 'partition' | 'epoch'>): void {
    const one = owned.get(partition);
    if (one?.epoch !== epoch || one.isAborted()) return;
    log.warn({ partition }, 'partition lost: its lease was not renewed in time');
    one.abort(new Error(`the lease of partition ${partition} is lost`));
    void giveUp(one);
  }

  function giveUp(one: OwnedPartition): Promise<void> {
    const ending = endings.get(one) ?? end(one);
    endings.set(one, ending);
    return ending;
  }

  async function end(one: OwnedPartition): Promise<void> {
    await one.close();
    try {
      // Fenced by the epoch, so it is right for a partition that was lost, too.
      await leases.release({ ...one.cursor(), epoch: one.epoch });
      log.debug({ partition: one.partition }, 'partition given up');
    } catch (err) {
      log.warn({ err, partition: one.partition }, 'lease left to expire');
    }
    owned.delete(one.partition);
    endings.delete(one);
  }

  return {
    kept,
    get: (partition) => owned.get(partition),
    tend,
    isShort: () => !leaving && kept().length < share,
    lose,
    async leave() {
      leaving = true;
      const left = leases.leave().catch((err) => log.warn({ err }, 'membership left to expire'));
      await Promise.all([left, ...[...owned.values()].map(giveUp)]);
    },
    abortAll(reason) {
      for (const one of owned.values()) one.abort(reason);
    },
  };
}

/** What to give up: rather partitions where nothing runs, and rather the last ones. */
function surplus(kept: readonly OwnedPartition[], share: number): readonly OwnedPartition[] {
  return kept
    .toSorted((a, b) => Number(b.isQuiet()) - Number(a.isQuiet()) || b.partition - a.partition)
    .slice(0, Math.max(0, kept.length - share));
}
