import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@ordermesh/testing';
import { parseMetricTable } from '../../tools/deploy/src/observability/metric-table.ts';
import { readRules } from '../../tools/deploy/src/observability/rule-files.ts';
import { parseScrape } from '../../tools/deploy/src/observability/scrape.ts';
import {
  type Scrapes,
  scrapeFaults,
  valueFaults,
} from '../../tools/deploy/src/observability/scrape-faults.ts';
import { type Mesh, processes } from './mesh.ts';

const root = join(import.meta.dirname, '../..');

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

/** The label values of which a rule under deploy/observability makes something, and that no process exports now, one line each. */
export async function ruleValueFaults(mesh: Mesh): Promise<string[]> {
  const { recording, alerting } = readRules(join(root, 'deploy/observability/rules'));
  const expressions = [...recording, ...alerting].map(({ expr }) => expr);
  return valueFaults(expressions, await scrape(mesh));
}

async function metricFaults(mesh: Mesh, has: readonly string[]): Promise<string[]> {
  const table = parseMetricTable(readFileSync(join(root, 'docs/metrics.md'), 'utf8'));
  return scrapeFaults(table, await scrape(mesh), has);
}

async function scrape(mesh: Mesh): Promise<Scrapes> {
  const scrapes = await Promise.all(
    processes.map(async (name) => {
      const reply = await fetch(`${mesh.admin[name]}/metrics`);
      return [name, parseScrape(await reply.text())] as const;
    }),
  );
  return new Map(scrapes);
}
