import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type DescMethodUnary, toBinary } from '@bufbuild/protobuf';
import { ReasonError } from '@ordermesh/contract';
import type { createPool } from '@ordermesh/postgres';
import { expect } from 'vitest';
import type { CommandProcess } from './command-process.ts';
import { orderRequest, rpc } from './serve-command.ts';

/** A command, under a key of its own. */
interface Sent {
  readonly orderId: string;
  /** The version that the order has after it. */
  readonly version: number;
  readonly key: string;
  /** `refused` is certain, each time that it was sent: nothing was changed. `unknown` may have been stored. */
  outcome: 'acknowledged' | 'refused' | 'unknown';
  /** All that its caller saw. */
  answer?: string;
}

/** Callers that place orders and move them on, and what they were told. Disposal stops them. */
export interface CommandLedger extends AsyncDisposable {
  /** How many commands this process acknowledged. @throws once an answer was wrong */
  acknowledgedBy(process: CommandProcess): number;
  /** How often a caller was put off, by reason. */
  readonly refusals: ReadonlyMap<string, number>;
  /** Ends the callers, each after the answer to its last command. */
  stop(): Promise<void>;
  /**
   * Expects, of a log that nobody else appended to since, that every acknowledged command is there once, every event is of an acknowledged or an unknown command,
   * and none of a refused one; that the unknown ones, sent again, are answered and are there once; that a repeated key is answered as it first was, by any process; that
   * positions are dense and versions contiguous.
   */
  expectWhole(): Promise<Record<string, number>>;
}

const item = (unique: number) => ({
  productId: `00000000-0000-4000-8000-00000000000${unique}`,
  productName: 'Teapot',
  quantity: 1,
  unitPrice: { currencyCode: 'USD', minorUnits: 1000n },
});
const amount = { currencyCode: 'USD', minorUnits: 3000n };

/** An order's life: the first command leads to version 1, and so on. */
const steps: readonly (readonly [event: string, method: DescMethodUnary, fields: object])[] = [
  ['OrderCreated', rpc.createOrder, orderRequest({ items: [item(1)] })],
  // Possible any number of times: if a command happened twice, it would show.
  ['OrderItemAdded', rpc.addItem, { item: item(2) }],
  ['OrderItemAdded', rpc.addItem, { item: item(3) }],
  ['OrderPaid', rpc.payOrder, { paymentId: 'pay-1', amount }],
  ['OrderShipped', rpc.shipOrder, { trackingNumber: 'TRACK-1' }],
];
const stepOf = ({ version }: Sent) => steps[version - 1] as (typeof steps)[number];
const named = (orderId: string, version: number, event: string) => `${orderId} ${version} ${event}`;
const nameOf = (sent: Sent) => named(sent.orderId, sent.version, stepOf(sent)[0]);

/** No call may take longer than the process's REQUEST_TIMEOUT_MS and what a busy machine adds. */
const hangMs = 30_000;
/** After an answer that is no success. */
const pauseMs = 100;

/**
 * Starts 64 callers, which send their commands to the processes in turn. After an answer that is no success every second one sends the command again, to the next process,
 * until it has one; the others leave it at that and go on with another order.
 */
export async function startCallers(
  processes: readonly CommandProcess[],
  log: ReturnType<typeof createPool>,
): Promise<CommandLedger> {
  const earlier = (await storedIn(log)).length;
  const storedSince = async () => (await storedIn(log)).slice(earlier);
  const all: Sent[] = [];
  const faults: string[] = [];
  const refusals = new Map<string, number>();
  const acknowledged = new Map<CommandProcess, number>();
  let isStopped = false;
  let turn = 0;

  async function send(sent: Sent): Promise<void> {
    const process = processes[turn++ % processes.length] as CommandProcess;
    const [, method, fields] = stepOf(sent);
    try {
      const request = { ...fields, orderId: sent.orderId };
      const { message, headers } = await process.call(method, request, {
        metadata: { 'idempotency-key': sent.key },
        signal: AbortSignal.timeout(hangMs),
        // What is sent again at the end is no part of the load, and must not fail on a busy machine.
        ...(isStopped ? { timeoutMs: hangMs } : {}),
      });
      const etag = headers.get('etag');
      const bytes = Buffer.from(toBinary(method.output, message)).toString('base64');
      const answer = `${etag} ${bytes}`; // the consistency token is in the message
      if (etag !== `"${sent.version}"` || (sent.answer !== undefined && sent.answer !== answer))
        faults.push(`${nameOf(sent)}: ${answer}, before: ${sent.answer}`);
      sent.answer = answer;
      sent.outcome = 'acknowledged';
      acknowledged.set(process, (acknowledged.get(process) ?? 0) + 1);
    } catch (error) {
      if (!(error instanceof ReasonError)) throw error;
      const { code, reason, message } = error;
      refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
      if (sent.outcome === 'acknowledged' || !['UNAVAILABLE', 'DEADLINE_EXCEEDED'].includes(code))
        faults.push(`${nameOf(sent)}: ${reason} ${message}`);
      const isCertain = reason === 'OVERLOADED' || message.includes('nothing was changed');
      if (!isCertain && sent.outcome === 'refused') sent.outcome = 'unknown';
    }
  }

  /** Sends a new command. @returns whether it was acknowledged */
  async function command(orderId: string, version: number, resends: boolean): Promise<boolean> {
    const sent: Sent = { orderId, version, key: randomUUID(), outcome: 'refused' };
    all.push(sent);
    for (;;) {
      await send(sent);
      if (sent.answer !== undefined) return true;
      await delay(pauseMs);
      if (!resends || isStopped || faults.length > 0) return false;
    }
  }

  async function caller(resends: boolean): Promise<void> {
    while (!isStopped && faults.length === 0) {
      const orderId = randomUUID();
      for (let version = 1; version <= steps.length && !isStopped; version++)
        if (!(await command(orderId, version, resends))) break;
    }
  }

  const running = Promise.all(Array.from({ length: 64 }, (_, n) => caller(n % 2 === 0)));
  running.catch(() => undefined); // told by stop()
  const stop = async () => {
    isStopped = true;
    await running;
  };
  const those = (outcome: Sent['outcome']) => all.filter((sent) => sent.outcome === outcome);

  return {
    acknowledgedBy(process) {
      expect(faults).toEqual([]);
      return acknowledged.get(process) ?? 0;
    },
    refusals,
    stop,
    [Symbol.asyncDispose]: stop,
    async expectWhole() {
      const promised = those('acknowledged').map(nameOf);
      const unknown = those('unknown');
      const refused = those('refused').map(nameOf);
      const unheard = unknown.map(nameOf);
      const stored = await storedSince();
      // As differences, because a list of thousands says nothing.
      expect({
        faults,
        lost: minus(promised, stored),
        unasked: minus(stored, [...promised, ...unheard]),
      }).toEqual({ faults: [], lost: [], unasked: [] });

      await inParallel(unknown, send);
      await inParallel(those('acknowledged').slice(-500), send);
      const afterwards = await storedSince();
      expect({
        faults,
        unanswered: those('unknown').map(nameOf),
        added: minus(afterwards, [...promised, ...unheard]),
        missing: minus([...promised, ...unheard], afterwards),
      }).toEqual({ faults: [], unanswered: [], added: [], missing: [] });
      return {
        events: afterwards.length,
        acknowledged: promised.length,
        refused: refused.length,
        unknown: unheard.length,
        'unknown and stored': unheard.length - minus(unheard, stored).length,
      };
    },
  };
}

/** The names of all events; expects dense positions and contiguous versions. */
async function storedIn(log: ReturnType<typeof createPool>): Promise<string[]> {
  const text =
    'SELECT position, stream_id AS "orderId", version, type FROM events ORDER BY position';
  type Row = { position: string; orderId: string; version: number; type: string };
  const { rows } = await log.query<Row>(text);
  const versions = new Map<string, number>();
  const gaps = rows.filter(({ position, orderId, version }, index) => {
    const before = versions.get(orderId) ?? 0;
    versions.set(orderId, version);
    return position !== String(index + 1) || version !== before + 1;
  });
  expect(gaps).toEqual([]);
  return rows.map(({ orderId, version, type }) => named(orderId, version, type));
}

/** The elements of `all` that `others` lacks. */
function minus(all: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others);
  return all.filter((one) => !known.has(one));
}

/** 64 at a time. */
async function inParallel(all: readonly Sent[], work: (one: Sent) => Promise<void>) {
  const left = all.values();
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      for (const one of left) await work(one);
    }),
  );
}
