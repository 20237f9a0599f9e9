import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@ordermesh/testing';
import { parseMetricTable } from '../../tools/deploy/src/observability/metric-table.ts';
import { parseScrape } from '../../tools/deploy/src/observability/scrape.ts';
import { scrapeFaults } from '../../tools/deploy/src/observability/scrape-faults.ts';
import { type Mesh, processes } from './mesh.ts';

const table = join(import.meta.dirname, '../../docs/metrics.md');

/**
 * Where docs/metrics.md and what the mesh exports differ, one line each: none as soon as nothing does, else what is left after 20 s. Some metrics wait for a
 * projection, or for the first pause of an event loop.
 * @param has what the mesh has of what rows need, `Kafka`
 */
export async function lastingMetricFaults(mesh: Mesh, has: readonly string[]): Promise<string[]> {
  let faults: string[] = [];
  const ask = async () => {
    faults = await metricFaults(mesh, has);
    return faults.length === 0;
  };
  await eventually(ask, { withinMs: 20_000, everyMs: 250 }).catch(() => undefined);
  return faults;
}

async function metricFaults(mesh: Mesh, has: readonly string[]): Promise<string[]> {
  const scrapes = await Promise.all(
    processes.map(async (name) => {
      const reply = await fetch(`${mesh.admin[name]}/metrics`);
      return [name, parseScrape(await reply.text())] as const;
    }),
  );
  return scrapeFaults(parseMetricTable(readFileSync(table, 'utf8')), new Map(scrapes), has);
}
