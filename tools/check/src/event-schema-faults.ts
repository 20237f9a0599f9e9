import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EventCatalogue, schemaVersionOf } from '@ordermesh/contract';
import { describeMessage, type MessageDescription } from './describe-message.ts';

/** Where events as they were ever stored lie in the repository: `<type>.v<schema version>.json`. */
export const GOLDEN_DIR = 'libs/contract/golden-events';

/** One file of the corpus. */
export interface GoldenFile {
  readonly type: string;
  readonly schemaVersion: number;
  /** The message as it was in that version. */
  readonly schema: MessageDescription;
  /** As they were stored, and how they read today where that is not the same. */
  readonly events: readonly { readonly stored: unknown; readonly reads?: unknown }[];
}

/** The corpus of the repository at `root`, by file name. */
export function goldenFiles(root: string): ReadonlyMap<string, GoldenFile> {
  const dir = join(root, GOLDEN_DIR);
  const names = readdirSync(dir).sort();
  return new Map(
    names.map((name) => [name, JSON.parse(readFileSync(join(dir, name), 'utf8')) as GoldenFile]),
  );
}

/**
 * How the events' messages, their upcasters and the corpus disagree, one line each. A message that changed while its schema version did not would be read into
 * another meaning from the log, or not at all.
 */
export function eventSchemaFaults(
  catalogue: EventCatalogue,
  files: ReadonlyMap<string, GoldenFile>,
): string[] {
  const faults: string[] = [];
  const wanted = new Set<string>();
  for (const [type, message] of Object.entries(catalogue.schemas)) {
    const current = schemaVersionOf(type, catalogue);
    for (let version = 1; version <= current; version++) {
      const name = `${type}.v${version}.json`;
      wanted.add(name);
      const schema = version === current ? describeMessage(message) : undefined;
      faults.push(...fileFaults(name, type, version, files.get(name), schema));
    }
  }
  for (const name of files.keys()) {
    if (!wanted.has(name))
      faults.push(`${GOLDEN_DIR}/${name} is of no event or schema version that the catalogue has`);
  }
  return faults;
}

function fileFaults(
  name: string,
  type: string,
  version: number,
  file: GoldenFile | undefined,
  schema: MessageDescription | undefined,
): string[] {
  const path = `${GOLDEN_DIR}/${name}`;
  if (file === undefined) {
    const described = schema ? ` with "schema": ${JSON.stringify(schema)}` : '';
    return [`${path} is missing: commit events as that version stores them,${described}`];
  }
  const faults: string[] = [];
  if (file.type !== type || file.schemaVersion !== version)
    faults.push(`${path} says it is ${file.type} of schema version ${file.schemaVersion}`);
  if (file.events.length === 0) faults.push(`${path} has no event`);
  const change = schema && changeOf(file.schema, schema);
  if (change !== undefined)
    faults.push(
      `${type} changed (${change}) and its schema version is still ${version}: append a step to libs/contract/src/upcasters.ts and commit ${type}.v${version + 1}.json`,
    );
  return faults;
}

/** The first difference, in words. */
function changeOf(before: MessageDescription, now: MessageDescription): string | undefined {
  for (const name of new Set([...Object.keys(before), ...Object.keys(now)])) {
    const [old = [], current = []] = [before[name], now[name]];
    const gone = old.find((line) => !current.includes(line));
    if (gone !== undefined) return `${name} had "${gone}"`;
    const added = current.find((line) => !old.includes(line));
    if (added !== undefined) return `${name} has "${added}"`;
  }
  return undefined;
}
