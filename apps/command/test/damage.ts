import type { createPool } from '@ordermesh/postgres';

/** Changes a stored event, which only the tables' owner can: with the trigger that refuses it switched off. */
export async function damage(
  pool: ReturnType<typeof createPool>,
  orderId: string,
  version: number,
  set: string,
): Promise<void> {
  await pool.query(`
    BEGIN;
    ALTER TABLE events DISABLE TRIGGER append_only;
    UPDATE events SET ${set} WHERE stream_id = '${orderId}' AND version = ${version};
    ALTER TABLE events ENABLE TRIGGER append_only;
    COMMIT`);
}
