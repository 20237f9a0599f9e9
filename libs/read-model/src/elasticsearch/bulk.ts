import { setTimeout as sleep } from 'node:timers/promises';
import type { estypes } from '@elastic/elasticsearch';
import { backoffMs } from '@ordermesh/postgres';
import { ViewsLostError } from '../views-lost-error.ts';
import type { Connection } from './connection.ts';
import { ElasticsearchUnavailableError, statusOf } from './errors.ts';

/** One write of a bulk request. */
export interface BulkItem {
  /** What its refusal is reported under. */
  readonly id: string;
  readonly action: object;
  /** None for a deletion. */
  readonly document?: object;
}

/** Bodies are cut behind this size: a few megabytes are the fastest, 100 MB the node's limit. */
const maxBodyChars = 4_000_000;
const maxTries = 5;
const pause = { firstMs: 100, lastMs: 1_000 };

interface Line {
  readonly id: string;
  readonly text: string;
}

/**
 * Writes documents through an alias and looks at every item: written, or already there in the same or a newer version (409), is done. What
 * the cluster has no room for now (429, 502 to 504, of an item or of the request) is sent again, alone, up to four times within 2 s.
 * @returns why, by id, of items that can never be stored: they do not fit the mapping
 * @throws ViewsLostError when the alias is missing, ElasticsearchUnavailableError when the cluster stays busy, the client's error when it does not answer, an
 * Error for everything else; some of the items may have been written
 */
export async function bulk(
  connection: Connection,
  alias: string,
  items: readonly BulkItem[],
): Promise<ReadonlyMap<string, string>> {
  const refused = new Map<string, string>();
  for (const body of bodies(items)) {
    let rest: readonly Line[] = body;
    for (let tries = 1; ; tries++) {
      rest = await attempt(connection, alias, rest, refused);
      if (rest.length === 0) break;
      if (tries === maxTries)
        throw new ElasticsearchUnavailableError(
          `${rest.length} of ${body.length} writes to ${alias} found the cluster busy ${maxTries} times`,
        );
      await sleep(backoffMs(tries, pause.firstMs, pause.lastMs, Math.random));
    }
  }
  return refused;
}

function* bodies(items: readonly BulkItem[]): Generator<Line[]> {
  let body: Line[] = [];
  let size = 0;
  for (const { id, action, document } of items) {
    const text = [action, ...(document ? [document] : [])]
      .map((line) => JSON.stringify(line))
      .join('\n');
    body.push({ id, text });
    size += text.length;
    if (size < maxBodyChars) continue;
    yield body;
    body = [];
    size = 0;
  }
  if (body.length > 0) yield body;
}

/** Sends one body; returns what is to be sent again. */
async function attempt(
  connection: Connection,
  alias: string,
  lines: readonly Line[],
  refused: Map<string, string>,
): Promise<readonly Line[]> {
  const response = await connection
    .send((client, options) =>
      client.bulk(
        {
          index: alias,
          require_alias: true, // a bulk to a missing index would create it, with whatever mapping its first document suggests
          timeout: `${connection.timeoutMs}ms`,
          filter_path: ['errors', 'items.*.status', 'items.*.error.type', 'items.*.error.reason'],
          operations: lines.map(({ text }) => text),
        },
        options,
      ),
    )
    .catch((error: unknown) => {
      if (isBusy(statusOf(error))) return 'busy' as const;
      throw error;
    });
  if (response === 'busy') return lines;
  if (response.items.length !== lines.length)
    throw new Error(`${lines.length} writes got ${response.items.length} answers`);
  return lines.filter(({ id }, i) => {
    const [item] = Object.values(response.items[i] ?? {});
    return outcome(alias, id, item, refused) === 'busy';
  });
}

function outcome(
  alias: string,
  id: string,
  item: estypes.BulkResponseItem | undefined,
  refused: Map<string, string>,
): 'done' | 'busy' {
  const { status = 0, error } = item ?? {};
  if ((status >= 200 && status < 300) || status === 409) return 'done';
  if (status === 404 && error === undefined) return 'done'; // to be deleted, and not there
  if (isBusy(status)) return 'busy';
  const reason = `${error?.type}: ${error?.reason}`;
  if (error?.type === 'index_not_found_exception')
    throw new ViewsLostError(`${alias} is missing: ${error.reason}`);
  // The index behind the alias is not the one that this release prepared: every order would be refused, and none is at fault.
  const foreign = error?.type === 'strict_dynamic_mapping_exception';
  if (status !== 400 || foreign) throw new Error(`writing ${id} to ${alias}: ${reason}`);
  refused.set(id, reason);
  return 'done';
}

const busyStatus = new Set([429, 502, 503, 504]);
const isBusy = (status: number | undefined) => busyStatus.has(status ?? 0);
