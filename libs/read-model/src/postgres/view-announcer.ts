import { createPool } from '@ordermesh/postgres';
import { announcer } from './notify-channel.ts';
import { type PostgresViewOptions, warn } from './view-pool.ts';

/** Says how far a projection is whose views lie in another store. */
export interface ViewAnnouncer extends AsyncDisposable {
  /** Call it after the checkpoint was written. Returns at once; what cannot be sent is dropped, because readers also poll. */
  announce(partition: number, position: bigint): void;
}

/**
 * Announces checkpoints to `postgresViewNotifier` with the same `projection`, over one connection to the database of the views, made when first
 * needed. Disposing sends what was announced.
 */
export function postgresAnnouncer({
  projection,
  onError = warn,
  ...options
}: Omit<PostgresViewOptions, 'max'> & { readonly projection: string }): ViewAnnouncer {
  const pool = createPool({ ...options, max: 1, onError });
  const announcements = announcer(pool, projection, onError);
  return {
    announce: announcements.announce,
    async [Symbol.asyncDispose]() {
      await announcements.settled();
      await pool.end();
    },
  };
}
