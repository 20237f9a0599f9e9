import { createPool, read } from '@ordermesh/postgres';
import { postgresProjection } from './projection.ts';
import { warn } from './view-pool.ts';

/**
 * Name of the views of a database, which no other database and no other generation of the projection has. Constant, so one read at start is enough; the
 * schema has to be there ({@link postgresViewMigrations}).
 * @param name `application_name`, e.g. `ordermesh-query`
 */
export async function viewOrigin(url: string, name: string): Promise<string> {
  const pool = createPool({ url, max: 1, name, onError: warn });
  try {
    const { rows } = await read<{ id: string }>(pool, { text: 'SELECT id FROM view_origin' });
    const [row] = rows;
    if (row === undefined) throw new Error('table view_origin of the views is empty');
    return `${postgresProjection}:${row.id}`;
  } finally {
    await pool.end();
  }
}
