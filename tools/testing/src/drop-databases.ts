import type { RunPrefix } from './provided.ts';
import { withClient } from './with-client.ts';

/** Drops every database whose name begins with `prefix`, templates too, connected clients or not. */
export async function dropDatabasesOf(url: string, prefix: RunPrefix): Promise<void> {
  await withClient(url, async (client) => {
    const { rows } = await client.query<{ datname: string; datistemplate: boolean }>(
      'SELECT datname, datistemplate FROM pg_database WHERE starts_with(datname, $1)',
      [prefix],
    );
    for (const { datname, datistemplate } of rows) {
      const name = client.escapeIdentifier(datname);
      if (datistemplate) await client.query(`ALTER DATABASE ${name} IS_TEMPLATE false`);
      await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    }
  });
}
