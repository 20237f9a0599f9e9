// vitest globalSetup of the project `engines`: one Kafka, Elasticsearch and Redis for the whole run.
import { readFileSync } from 'node:fs';
import { provideEngines } from '@ordermesh/engines';
import type { TestProject } from 'vitest/node';
import type { TestEngine } from './provided.ts';

/**
 * Provides `kafkaBrokers`, `elasticsearchUrl` and `redisUrl`, of the engines that the test files of this run name.
 * KAFKA_BROKERS, ELASTICSEARCH_URL and REDIS_URL win; otherwise local processes start, in parallel, and end with
 * the run. With CI=true an engine that cannot be had fails the run, unless ENGINES_SKIP names it.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const engines = await provideEngines(await namedEngines(project), { ports: 'free' });
  const { kafka, elasticsearch, redis } = engines.urls;
  if (kafka !== undefined) project.provide('kafkaBrokers', kafka);
  if (elasticsearch !== undefined) project.provide('elasticsearchUrl', elasticsearch);
  if (redis !== undefined) project.provide('redisUrl', redis);
  project.provide('missingEngines', engines.missing);
  return async () => engines[Symbol.asyncDispose]();
}

/** Elasticsearch takes 11 s to start: a run of one Kafka test does without. */
async function namedEngines(project: TestProject): Promise<Record<TestEngine, boolean>> {
  // Internal to vitest, and only to start less: without it every engine starts.
  const { filenamePattern } = project.vitest as { filenamePattern?: string[] };
  const { testFiles } = await project.globTestFiles(filenamePattern);
  const texts = testFiles
    .filter((file) => !file.includes('/tools/engines/')) // they start their own
    .map((file) => `${file}\n${readFileSync(file, 'utf8')}`.toLowerCase());
  const isNamed = (name: TestEngine) => texts.some((text) => text.includes(name));
  return {
    kafka: isNamed('kafka'),
    elasticsearch: isNamed('elasticsearch'),
    redis: isNamed('redis'),
  };
}
