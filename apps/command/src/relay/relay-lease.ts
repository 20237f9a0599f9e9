import { randomUUID } from 'node:crypto';
import type { LastEvent } from '@ordermesh/contract';
import { query } from '@ordermesh/postgres';
import type { Pool } from 'pg';

/** How far a bus has the log: the last event that it has acknowledged. */
export interface Checkpoint extends LastEvent {
  /** Position of the last one in each partition, from 0. */
  readonly partitionPositions: readonly bigint[];
}

/** Another process leads the relay by now, or may: nothing more may be done under this lease. */
export class DeposedError extends Error {
  override readonly name = 'DeposedError';
}

/** The right to relay to one bus, for one epoch. Every change checks the epoch, so a process that was frozen can change nothing. */
export interface RelayLease {
  /** Where to begin. */
  readonly checkpoint: Checkpoint;
  /** @throws DeposedError when the lease has run out by this process's clock */
  requireValid(): void;
  /** Keeps the lease. @throws DeposedError, or the driver's error */
  renew(): Promise<void>;
  /** Moves the checkpoint and keeps the lease. @throws DeposedError, or the driver's error; then it may have moved */
  advance(checkpoint: Checkpoint): Promise<void>;
  /** Lets others in at once. Does nothing when they are in already. */
  release(): Promise<void>;
}

interface Row {
  readonly epoch: string;
  readonly position: string;
  readonly event_id: string | null;
  readonly log_id: string | null;
  readonly partition_positions: readonly string[];
}

const makeSql = `
  INSERT INTO relay (bus, partition_positions) VALUES ($1, array_fill(0::bigint, ARRAY[$2::integer])) ON CONFLICT (bus) DO NOTHING`;

const acquireSql = `
  UPDATE relay SET owner = $2, epoch = epoch + 1, expires_at = clock_timestamp() + $3 * interval '1 ms'
  WHERE bus = $1 AND (owner IS NULL OR expires_at < clock_timestamp())
  RETURNING epoch, position, event_id, log_id, partition_positions`;

const renewSql = `
  UPDATE relay SET expires_at = clock_timestamp() + $4 * interval '1 ms' WHERE bus = $1 AND owner = $2 AND epoch = $3`;

const advanceSql = `
  UPDATE relay SET expires_at = clock_timestamp() + $4 * interval '1 ms', position = $5, partition_positions = $6,
    event_id = $7, log_id = $8
  WHERE bus = $1 AND owner = $2 AND epoch = $3`;

const releaseSql =
  'UPDATE relay SET owner = NULL, expires_at = NULL WHERE bus = $1 AND owner = $2 AND epoch = $3';

/**
 * Takes the lease if nobody has it. Only the server's clock decides.
 * @param pool of the log's database; its commits need not wait for the disk, since what a crash of the server takes back is published again.
 * That is also why owner **and** epoch are checked: such a crash may give an epoch away twice.
 * @returns undefined while another process has it
 */
export async function acquireLease(
  pool: Pool,
  bus: string,
  partitions: number,
  leaseMs: number,
): Promise<RelayLease | undefined> {
  const owner = randomUUID();
  await query(pool, { text: makeSql, values: [bus, partitions] });
  let validUntil = performance.now() + leaseMs; // from before the statement leaves: too early rather than too late
  const { rows } = await query<Row>(pool, { text: acquireSql, values: [bus, owner, leaseMs] });
  const [row] = rows;
  if (row === undefined) return undefined;
  const own = [bus, owner, row.epoch];

  async function change(text: string, values: readonly unknown[]): Promise<void> {
    const sentAt = performance.now();
    const { rowCount } = await query(pool, { text, values: [...own, leaseMs, ...values] });
    if (rowCount !== 1) throw new DeposedError(`the relay to ${bus} is led by another process`);
    validUntil = sentAt + leaseMs;
  }

  return {
    checkpoint: {
      position: BigInt(row.position),
      eventId: row.event_id ?? undefined,
      logId: row.log_id ?? undefined,
      partitionPositions: row.partition_positions.map(BigInt),
    },
    requireValid() {
      if (performance.now() < validUntil) return;
      throw new DeposedError(`the lease of the relay to ${bus} ran out`);
    },
    renew: () => change(renewSql, []),
    advance: ({ position, partitionPositions, eventId, logId }) =>
      change(advanceSql, [position, partitionPositions, eventId, logId]),
    async release() {
      await query(pool, { text: releaseSql, values: own });
    },
  };
}
