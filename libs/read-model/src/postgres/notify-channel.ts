import { query } from '@ordermesh/postgres';
import type { Pool } from 'pg';

/** Channel on which writers say how far their projection is. */
export const notifyChannel = 'ordermesh_view';

/** 8,000 bytes is a payload's limit, and a partition takes 26 at most. */
const maxPartitions = 250;

/** `orders-pg@000001 3:1234 5:999`: a projection and the checkpoints that it has committed. */
export function encodeMoves(
  projection: string,
  moves: Iterable<readonly [number, bigint]>,
): string {
  return [projection, ...Array.from(moves, ([partition, to]) => `${partition}:${to}`)].join(' ');
}

/** The moves of one projection; none for another's payload or one that nobody of us made. */
export function decodeMoves(projection: string, payload: string): [number, bigint][] {
  const [name, ...items] = payload.split(' ');
  if (name !== projection) return [];
  return items.flatMap((item) => {
    const match = /^(\d{1,5}):(\d{1,19})$/.exec(item);
    return match ? [[Number(match[1]), BigInt(match[2] as string)] as [number, bigint]] : [];
  });
}

/** Says how far a projection is. */
export interface Announcer {
  /** Call it after the commit. Returns at once; several moves go out together while one notification is in flight. */
  announce(partition: number, position: bigint): void;
  /** Resolves when everything announced has been sent, or has failed. */
  settled(): Promise<void>;
}

/**
 * Sends notifications in statements of their own: inside the transaction of the views, NOTIFY would hold its cluster-wide lock until that commit
 * and hold up appends to a log on the same server (measured there: a quarter of the rate). What fails is dropped: readers also poll.
 */
export function announcer(
  pool: Pool,
  projection: string,
  onError: (error: unknown) => void,
): Announcer {
  const unsent = new Map<number, bigint>();
  let sending: Promise<void> | undefined;

  async function sendAll(): Promise<void> {
    while (unsent.size > 0) {
      const moves = [...unsent].slice(0, maxPartitions);
      for (const [partition] of moves) unsent.delete(partition);
      const values = [notifyChannel, encodeMoves(projection, moves)];
      await query(pool, { text: 'SELECT pg_notify($1, $2)', values }).catch(onError);
    }
    sending = undefined;
  }

  return {
    announce(partition, position) {
      if (position > (unsent.get(partition) ?? 0n)) unsent.set(partition, position);
      sending ??= sendAll();
    },
    async settled() {
      await sending;
    },
  };
}
