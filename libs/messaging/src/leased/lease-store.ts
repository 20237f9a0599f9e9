import { query } from '@ordermesh/postgres';
import { StartupError } from '@ordermesh/service';
import type { Pool } from 'pg';

/** A partition owned for a while. */
export interface Lease {
  readonly partition: number;
  /** Fencing number of this ownership. */
  readonly epoch: bigint;
  /** Committed offset: position of the last message that was handled, 0 at the beginning. */
  readonly position: bigint;
  /** Until then (`performance.now()`) nobody else can own the partition, whatever happens to this process. */
  readonly validUntil: number;
}

/** How far a partition was handled, under which ownership. */
export type Offset = Pick<Lease, 'partition' | 'epoch' | 'position'>;

/** Outcome of one heartbeat. */
export interface Tended {
  /** Leases held now: those renewed, and those newly taken. */
  readonly leases: readonly Lease[];
  /** How many partitions this member should own. */
  readonly share: number;
}

/**
 * Ownership and offsets of one group as one member sees them, in the tables `ordermesh_bus.*` of the view's database. Only that
 * server's clock decides. Every method throws the driver's error when the database fails. Disposing closes the pool.
 */
export interface LeaseStore extends AsyncDisposable {
  /**
   * Makes the group's rows if they are missing.
   * @throws StartupError when the group was made with more partitions
   */
  join(): Promise<void>;
  /**
   * One heartbeat: stay a member, renew `renew`, and take free partitions up to the fair share, none of `known`.
   * @param leaving renews only: neither stays a member nor takes anything
   */
  tend(renew: readonly number[], known: readonly number[], leaving: boolean): Promise<Tended>;
  /**
   * Moves offsets forward, never back.
   * @returns the partitions whose offset was accepted; the others have another owner by now
   */
  commit(offsets: readonly Offset[]): Promise<ReadonlySet<number>>;
  /**
   * Commits and gives the partition to whoever comes.
   * @returns false, and nothing happened, when it has another owner by now
   */
  release(offset: Offset): Promise<boolean>;
  /** No member any more: the others' shares grow. */
  leave(): Promise<void>;
}

/** What {@link leaseStore} needs. */
export interface LeaseStoreOptions {
  /**
   * To the view's database, with a single connection: heartbeats and commits update the same rows, several at a time, and on one connection they
   * cannot deadlock each other.
   */
  readonly pool: Pool;
  readonly group: string;
  /** UUID of this member, new for each consumer. */
  readonly member: string;
  readonly partitions: number;
  readonly leaseMs: number;
}

interface TendRow {
  readonly share: number;
  readonly partition: number | null;
  readonly epoch: string;
  readonly position: string;
  readonly remaining_ms: number;
}

/** The store on PostgreSQL; its tables come from {@link leaseMigrations}. */
export function leaseStore(options: LeaseStoreOptions): LeaseStore {
  const { pool, group, member, partitions, leaseMs } = options;
  return {
    async join() {
      const { rows } = await query<{ known: number }>(pool, {
        text: joinSql,
        values: [group, partitions],
      });
      const known = rows[0]?.known ?? 0;
      if (known > partitions) {
        throw new StartupError([
          `group ${group} was made with ${known} partitions, PARTITIONS is ${partitions}: another number needs a new group`,
        ]);
      }
    },
    async tend(renew, known, leaving) {
      const sentAt = performance.now();
      const { rows } = await query<TendRow>(pool, {
        name: 'ordermesh_bus_tend',
        text: "SELECT * FROM ordermesh_bus.tend($1, $2, $3, $4::float8 * interval '1 ms', $5, $6)",
        values: [group, member, leaving ? 0 : partitions, leaseMs, renew, known],
      });
      const leases = rows.flatMap(({ partition, ...row }) =>
        partition === null
          ? []
          : [
              {
                partition,
                epoch: BigInt(row.epoch),
                position: BigInt(row.position),
                // Counted from before the statement left: too early rather than too late.
                validUntil: sentAt + row.remaining_ms,
              },
            ],
      );
      return { leases, share: rows[0]?.share ?? 0 };
    },
    async commit(offsets) {
      const { rows } = await query<{ partition: number }>(pool, {
        name: 'ordermesh_bus_commit',
        text: commitSql,
        values: [
          group,
          offsets.map((offset) => offset.partition),
          offsets.map((offset) => offset.epoch),
          offsets.map((offset) => offset.position),
        ],
      });
      return new Set(rows.map((row) => row.partition));
    },
    async release({ partition, epoch, position }) {
      const values = [group, partition, epoch, position];
      const { rowCount } = await query(pool, { text: releaseSql, values });
      return rowCount === 1;
    },
    async leave() {
      const text = 'DELETE FROM ordermesh_bus.member WHERE group_id = $1 AND member_id = $2';
      await query(pool, { text, values: [group, member] });
    },
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

// Members that died are swept out here: nobody counts them, so there is no hurry.
const joinSql = `
  WITH swept AS (
    DELETE FROM ordermesh_bus.member WHERE group_id = $1 AND expires_at < clock_timestamp()
  ), made AS (
    INSERT INTO ordermesh_bus.lease (group_id, partition)
    SELECT $1, n FROM generate_series(0, $2::integer - 1) AS n
    ON CONFLICT (group_id, partition) DO NOTHING
  )
  SELECT coalesce(max(partition) + 1, 0) AS known FROM ordermesh_bus.lease WHERE group_id = $1`;

const commitSql = `
  UPDATE ordermesh_bus.lease AS l SET position = greatest(l.position, done.position)
  FROM unnest($2::integer[], $3::bigint[], $4::bigint[]) AS done (partition, epoch, position)
  WHERE l.group_id = $1 AND l.partition = done.partition AND l.epoch = done.epoch
  RETURNING l.partition`;

const releaseSql = `
  UPDATE ordermesh_bus.lease SET owner = NULL, expires_at = NULL, position = greatest(position, $4)
  WHERE group_id = $1 AND partition = $2 AND epoch = $3`;
