import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Reply, rest } from './api.ts';

/** A command to send; it is known by its key until it is answered. */
export interface Command {
  readonly orderId: string;
  /** The version that the order has after it. */
  readonly version: number;
  /** The event that it leads to. */
  readonly event: string;
  readonly path: string;
  readonly body: unknown;
  /** Sent without an idempotency key, and so once only. Default: with one. */
  readonly once?: boolean;
}

/** A command that was answered with success. */
export interface Acknowledged extends Command {
  /** Undefined when it was sent without. */
  readonly key: string | undefined;
  /** How often it was sent until then. */
  readonly attempts: number;
  /** The answer's. */
  readonly consistencyToken: string;
  /** The whole answer. */
  readonly answer: unknown;
}

/** Sends commands and remembers what was promised to it. */
export interface Ledger {
  readonly acknowledged: readonly Acknowledged[];
  /** What no outage explains: an answer that is neither success nor a well-formed 503 or 504, or none at all. */
  readonly faults: readonly string[];
  /** How often a command or a read was put off, by status and reason. */
  readonly refusals: ReadonlyMap<string, number>;
  /** Sends until there is an answer, each time under the same key; undefined after a fault, and when a command without a key was put off. */
  send(command: Command): Promise<Acknowledged | undefined>;
  /** Reads the order by the command's token: its answer, or undefined when it was put off or wrong. */
  read(command: Acknowledged): Promise<Reply | undefined>;
  /** Takes down a command that was sent another way. */
  record(command: Acknowledged): void;
}

/** Longer than any answer may take: REQUEST_TIMEOUT_MS is 2 s, the rest is for a busy machine. */
const hangMs = 15_000;
const pauseMs = 50;

/** An empty ledger for the gateway at `url`, or at what that answers before each request. */
export function ledger(url: string | (() => string)): Ledger {
  const acknowledged: Acknowledged[] = [];
  const faults: string[] = [];
  const refusals = new Map<string, number>();

  const putOff = (why: string) => void refusals.set(why, (refusals.get(why) ?? 0) + 1);

  /** The answer, unless the connection was lost; undefined then and when the answer says "not now". */
  async function ask(
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string>,
  ): Promise<Reply | undefined> {
    let reply: Reply;
    try {
      const base = typeof url === 'string' ? url : url();
      reply = await rest(base, method, path, body, headers, AbortSignal.timeout(hangMs));
    } catch (error) {
      if ((error as Error).name === 'TimeoutError') faults.push(`${method} ${path} hung`);
      putOff(`connection lost: ${describeLoss(error)}`);
      return undefined;
    }
    if (reply.status !== 503 && reply.status !== 504) return reply;
    const isProblem = reply.headers.get('content-type')?.startsWith('application/problem+json');
    const isComplete = reply.status === 504 || reply.headers.has('retry-after');
    if (!isProblem || !isComplete)
      faults.push(`${method} ${path}: malformed refusal ${describe(reply)}`);
    putOff(`${reply.status} ${reply.body?.reason}`);
    return undefined;
  }

  return {
    acknowledged,
    faults,
    refusals,
    async send(command) {
      const key = command.once ? undefined : randomUUID();
      for (let attempts = 1; ; attempts++) {
        const headers: Record<string, string> = key ? { 'idempotency-key': key } : {};
        const reply = await ask('POST', command.path, command.body, headers);
        if (reply === undefined && command.once) return undefined;
        if (reply === undefined) {
          await delay(pauseMs);
          continue;
        }
        const { order, consistencyToken } = reply.body ?? {};
        if (reply.status >= 300 || order?.version !== command.version) {
          faults.push(`${command.event} of ${command.orderId}: ${describe(reply)}`);
          return undefined;
        }
        const done = { ...command, key, attempts, consistencyToken, answer: reply.body };
        acknowledged.push(done);
        return done;
      }
    },
    async read({ orderId, version, consistencyToken }) {
      const reply = await ask('GET', `/v1/orders/${orderId}`, undefined, {
        'consistency-token': consistencyToken,
      });
      if (reply === undefined) return undefined;
      if (reply.status === 200 && reply.body.order.version >= version) return reply;
      faults.push(`read of ${orderId} at ${version}: ${describe(reply)}`);
      return undefined;
    },
    record: (command) => void acknowledged.push(command),
  };
}

const describe = ({ status, body }: Reply) => `${status} ${JSON.stringify(body)}`;

function describeLoss(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
