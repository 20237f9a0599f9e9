import { type BusMessage, header, type LogRow, toMessage } from '@ordermesh/contract';
import { eventually } from '@ordermesh/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bus } from '../bus.ts';
import { recorder } from './recorder.ts';
import { type SampleLog, sampleLog } from './sample-log.ts';
import type { Victim } from './victim.ts';

/** A fresh, empty bus for one test. */
export interface BusEnvironment extends AsyncDisposable {
  /** At least 4. */
  readonly partitions: number;
  /**
   * A client of the bus, with nothing in common with the others.
   * @param takeoverMs after about this time the partitions of a consumer that is not heard of move
   */
  connect(takeoverMs: number): Bus;
  /** Appends rows to what the bus carries, in this order; positions never repeat. */
  publish(rows: readonly LogRow[]): Promise<void>;
  /** A consumer of the group in another process, see `runVictim`. */
  startVictim(group: string, takeoverMs: number): Victim;
}

/** An adapter as the suite takes it. */
export interface BusUnderTest {
  readonly name: string;
  create(): Promise<BusEnvironment>;
}

/** So long that a test which waits for it fails by its own deadline: what passes did not wait for an expiry. */
const never = 300_000;

/** The promises of the port, for every adapter. Call it in a test file of the adapter. */
export function describeBus(adapter: BusUnderTest): void {
  describe(`${adapter.name} keeps the bus's promises:`, () => {
    let environment: BusEnvironment;
    let log: SampleLog;
    const everyPartition = () => Array.from({ length: environment.partitions }, (_, n) => n);
    const positions = (rows: readonly LogRow[]) => rows.map((row) => row.position);
    const inPartition = (rows: readonly LogRow[], partition: number) =>
      positions(rows.filter((row) => row.partition === partition));

    beforeEach(async () => {
      environment = await adapter.create();
      log = sampleLog(environment.partitions);
    });
    afterEach(() => environment[Symbol.asyncDispose]());

    it('delivers the events of each partition in the order of their positions', async () => {
      const seen = recorder();
      const orders = Array.from({ length: 20 }, (_, n) => log.orderIn(n % environment.partitions));
      const rounds = Array.from({ length: 15 }, () => orders.map((id) => log.next(id)));
      await environment.publish(rounds.slice(0, 5).flat());
      await using _consumer = await environment
        .connect(never)
        .consume({ group: 'g', handler: seen.handler('a'), maxBatch: 7 });
      for (const round of rounds.slice(5)) await environment.publish(round);

      await eventually(() => seen.seen().size === 300);
      for (const partition of everyPartition()) {
        expect(seen.positionsOf(partition)).toEqual(inPartition(rounds.flat(), partition));
      }
      expect(seen.violations()).toEqual([]);
    });

    it('carries value and headers unchanged', async () => {
      const seen = recorder();
      const traced = log.next(log.orderIn(1), {
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        tracestate: 'vendor=1,other=2',
        occurredAt: new Date('2026-01-02T03:04:05.678Z'),
        data: '{"reason":"größer als 😀"}',
      });
      const plain = log.next(log.orderIn(2));
      await environment.publish([traced, plain]);
      await using _consumer = await environment
        .connect(never)
        .consume({ group: 'g', handler: seen.handler('a') });

      await eventually(() => seen.seen().size === 2);
      const got = new Map(seen.messages().map((message) => [message.position, message]));
      expectSame(got.get(traced.position), toMessage(traced, 0n));
      expectSame(got.get(plain.position), toMessage(plain, 0n));
      expect(got.get(traced.position)?.headers).toMatchObject({
        ce_specversion: '1.0',
        ce_id: traced.eventId,
        ce_type: 'ordermesh.order.v1.OrderCancelled',
        ce_source: '/ordermesh/command',
        ce_subject: traced.streamId,
        ce_time: '2026-01-02T03:04:05.678Z',
        ce_sequence: '1',
        ce_partitionkey: traced.streamId,
        'content-type': 'application/protobuf',
        traceparent: traced.traceparent,
        tracestate: traced.tracestate,
        'ordermesh-position': '1',
        'ordermesh-prev': '0',
        'ordermesh-schema': '1',
      });
    });

    it('numbers the chain without a gap, across batches and restarts', async () => {
      const seen = recorder();
      const orders = everyPartition().map(log.orderIn);
      const publishSome = async (rounds: number) => {
        const rows = Array.from({ length: rounds }, () => orders.map((id) => log.next(id))).flat();
        await environment.publish(rows);
        return rows.length;
      };
      let published = 0;
      for (const name of ['a', 'b']) {
        published += await publishSome(5);
        await using _consumer = await environment
          .connect(never)
          .consume({ group: 'g', handler: seen.handler(name), maxBatch: 3 });
        await eventually(() => seen.seen().size === published);
      }
      for (const partition of everyPartition()) {
        let last = 0n;
        for (const message of seen.messages().filter((one) => one.partition === partition)) {
          if (message.position <= last) continue; // delivered again
          expect(message.headers[header.prev]).toBe(String(last));
          last = message.position;
        }
      }
    });

    it('goes on behind what was handled, after a restart', async () => {
      const first = recorder();
      const second = recorder();
      const orders = everyPartition().map(log.orderIn);
      const before = orders.map((id) => log.next(id));
      await environment.publish(before);
      {
        await using _consumer = await environment
          .connect(never)
          .consume({ group: 'g', handler: first.handler('a') });
        await eventually(() => first.seen().size === before.length);
      }
      const after = orders.map((id) => log.next(id));
      await environment.publish(after);
      await using _consumer = await environment
        .connect(never)
        .consume({ group: 'g', handler: second.handler('b') });

      await eventually(() => second.seen().size === after.length);
      expect([...second.seen()].toSorted(byNumber)).toEqual(positions(after));
    });

    it('gives every message to every group, from the beginning', async () => {
      const rows = [...log.oneEach(), ...log.oneEach()];
      await environment.publish(rows);
      const bus = environment.connect(never);
      for (const group of ['early', 'late']) {
        const seen = recorder();
        await using _consumer = await bus.consume({ group, handler: seen.handler(group) });
        await eventually(() => seen.seen().size === rows.length);
      }
    });

    it('gives a rejected batch again, while other partitions go on', async () => {
      const seen = recorder();
      const heldOrder = log.orderIn(0);
      const held = [log.next(heldOrder), log.next(heldOrder), log.next(heldOrder)];
      let isDown = true;
      await environment.publish([...held, ...log.oneEach()]);
      const handler = seen.handler('a', {
        async batch({ partition }) {
          if (partition === 0 && isDown) throw new Error('the store is down');
        },
      });
      await using _consumer = await environment.connect(never).consume({ group: 'g', handler });

      const attemptsOfHeld = () => seen.attempts().filter(([partition]) => partition === 0);
      await eventually(() => attemptsOfHeld().length >= 3);
      const later = everyPartition()
        .slice(1)
        .map((n) => log.next(log.orderIn(n)));
      await environment.publish(later);
      await eventually(() => later.every((row) => seen.seen().has(row.position)));
      expect(seen.positionsOf(0)).toEqual([]);
      for (const [, attempted] of attemptsOfHeld()) expect(attempted[0]).toBe(held[0]?.position);

      isDown = false;
      await eventually(() => seen.positionsOf(0).length === held.length + 1);
      expect(seen.positionsOf(0).slice(0, 3)).toEqual(positions(held));
      expect(seen.violations()).toEqual([]);
    });

    it('delivers an event that cannot be encoded with its error and its bytes, and what follows', async () => {
      const seen = recorder();
      const order = log.orderIn(3);
      const poison = log.next(order, { type: 'OrderTeleported', data: '{"to": "the moon"}' });
      const rows = [poison, log.next(order), ...log.oneEach()];
      await environment.publish(rows);
      await using _consumer = await environment
        .connect(never)
        .consume({ group: 'g', handler: seen.handler('a') });

      await eventually(() => seen.seen().size === rows.length);
      expectSame(
        seen.messages().find((message) => message.position === poison.position),
        toMessage(poison, 0n),
      );
      expect(seen.positionsOf(3)).toEqual(inPartition(rows, 3));
    });

    it('shares the partitions evenly with a newcomer, loses nothing and handles no partition twice at a time', async () => {
      const seen = recorder();
      const rows: LogRow[] = [];
      const publishSome = async () => {
        const some = log.oneEach();
        rows.push(...some);
        await environment.publish(some);
      };
      await publishSome();
      await using first = await environment
        .connect(never)
        .consume({ group: 'g', handler: seen.handler('a') });
      await eventually(() => first.partitions().size === environment.partitions);
      await using second = await environment
        .connect(never)
        .consume({ group: 'g', handler: seen.handler('b') });
      const shared = async () => {
        await publishSome();
        const sizes = [first.partitions().size, second.partitions().size];
        return (
          Math.abs((sizes[0] ?? 0) - (sizes[1] ?? 0)) <= 1 && sum(sizes) === environment.partitions
        );
      };
      await eventually(shared, { withinMs: 20_000 });
      await publishSome();

      await eventually(() => seen.seen().size === rows.length);
      expect([...first.partitions()].filter((n) => second.partitions().has(n))).toEqual([]);
      for (const partition of everyPartition()) {
        expect(seen.positionsOf(partition)).toEqual(inPartition(rows, partition));
      }
      expect(seen.violations()).toEqual([]);
    }, 60_000);

    it('finishes the running batch when disposed of, and gives its partitions back at once', async () => {
      const seen = recorder();
      const started = Promise.withResolvers<void>();
      const finish = Promise.withResolvers<void>();
      const handler = seen.handler('a', {
        batch() {
          started.resolve();
          return finish.promise;
        },
      });
      const row = log.next(log.orderIn(0));
      await environment.publish([row]);
      const first = await environment.connect(never).consume({ group: 'g', handler });
      await started.promise;
      const disposed = first[Symbol.asyncDispose]();
      await using second = await environment
        .connect(never)
        .consume({ group: 'g', handler: seen.handler('b') });
      finish.resolve();
      await disposed;

      await eventually(() => second.partitions().size === environment.partitions, {
        withinMs: 20_000,
      });
      expect(seen.messages().map((message) => message.position)).toEqual([row.position]);
      expect(seen.violations()).toEqual([]);
    });

    it('moves the partitions of a killed owner, with the batch that it was in', async () => {
      const takeoverMs = 3000;
      const rows = [...log.oneEach(), ...log.oneEach()];
      await environment.publish(rows);
      await using victim = environment.startVictim('g', takeoverMs);
      await victim.holding();
      const seen = recorder();
      await using survivor = await environment
        .connect(takeoverMs)
        .consume({ group: 'g', handler: seen.handler('b') });
      await victim.kill();

      const all = () => survivor.partitions().size === environment.partitions;
      await eventually(all, { withinMs: 30_000 });
      await eventually(() => seen.seen().size === rows.length);
    }, 60_000);
  });
}

function expectSame(got: BusMessage | undefined, wanted: BusMessage): void {
  expect(got).toBeDefined();
  expect({ ...got, value: undefined }).toEqual({ ...wanted, value: undefined });
  // Compared apart: a Buffer does not equal a Uint8Array with the same bytes.
  expect(Buffer.from(got?.value ?? []).equals(wanted.value)).toBe(true);
}

function byNumber(a: bigint, b: bigint): number {
  return Number(a - b);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
