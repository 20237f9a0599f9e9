import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { type LogRow, toMessage } from '@ordermesh/contract';
import { clearMemorySpans, inSpan, memorySpans, metricsText } from '@ordermesh/telemetry';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Batch } from './bus.ts';
import { sampleLog } from './testing/sample-log.ts';
import { type ProcessOptions, processInSpans } from './tracing.ts';

const options: ProcessOptions = {
  system: 'ordermesh_log',
  group: 'orders',
  replay: false,
  replayAfterMs: 3_600_000,
};
const log = sampleLog(12);
const order = log.orderIn(3);
const traceIds = ['1', '2', '3'].map((digit) => digit.repeat(32));
const spanId = 'b7ad6b7169203331';
const created = (n: number, overrides: Partial<LogRow> = {}) =>
  log.next(order, { traceparent: `00-${traceIds[n]}-${spanId}-01`, ...overrides });
const longAgo = { occurredAt: new Date(Date.now() - 3_700_000) };

const batchOf = (...rows: readonly LogRow[]): Batch => ({
  partition: 3,
  messages: rows.map((row) => toMessage(row, row.position - 1n)),
  signal: new AbortController().signal,
});
/** Runs the batch with a handler that makes a span of its own, and returns what the handler got. */
const run = async (batch: Batch, overrides: Partial<ProcessOptions> = {}) => {
  let got: Batch | undefined;
  const handler = {
    async batch(given: Batch) {
      got = given;
      await inSpan('child', {}, () => undefined);
    },
  };
  await processInSpans(handler, batch, { ...options, ...overrides });
  return got;
};
const named = (name: string) => memorySpans().filter((span) => span.name === name);
const processSpans = () => named('process ordermesh.order.events.v1');
const batchSpan = () => named('process_batch ordermesh.order.events.v1')[0];
const child = () => named('child')[0];

beforeEach(clearMemorySpans);

describe('processInSpans()', () => {
  it('continues the trace of a single message down to what its handler does', async () => {
    const row = created(0);
    const got = await run(batchOf(row));
    const [span] = processSpans();
    expect(span?.kind).toBe(SpanKind.CONSUMER);
    expect(span?.spanContext().traceId).toBe(traceIds[0]);
    expect(span?.parentSpanContext?.spanId).toBe(spanId);
    expect(span?.links).toEqual([]);
    expect(span?.attributes).toEqual({
      'messaging.system.name': 'ordermesh_log',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'ordermesh.order.events.v1',
      'messaging.destination.partition.id': '3',
      'messaging.consumer.group.name': 'orders',
      'messaging.message.id': row.eventId,
      'ordermesh.order.id': order,
      'ordermesh.order.version': row.version,
      'ordermesh.event.type': 'ordermesh.order.v1.OrderCancelled',
      'ordermesh.position': Number(row.position),
    });
    expect(child()?.parentSpanContext?.spanId).toBe(span?.spanContext().spanId);
    expect(got?.replay).toBeUndefined();
  });

  it('runs several messages under one batch span in a trace of its own, with a linked span in the trace of each', async () => {
    await inSpan('caller', {}, () => run(batchOf(created(0), created(1), created(2))));
    const batch = batchSpan();
    expect(batch?.parentSpanContext).toBeUndefined();
    expect(batch?.attributes['messaging.batch.message_count']).toBe(3);
    expect(child()?.parentSpanContext?.spanId).toBe(batch?.spanContext().spanId);
    expect(processSpans().map((span) => span.spanContext().traceId)).toEqual(traceIds);
    for (const span of processSpans()) {
      expect(span.parentSpanContext?.spanId).toBe(spanId);
      expect(span.links.map((link) => [link.context.spanId, link.attributes])).toEqual([
        [batch?.spanContext().spanId, { 'ordermesh.link': 'batch' }],
      ]);
    }
  });

  it.each([
    ['an old event', created(0, longAgo), {}],
    ['a rebuild', created(0), { replay: true }],
  ])('starts a new trace for %s, and only links to the old one', async (_, row, overrides) => {
    const got = await run(batchOf(row), overrides);
    const [span] = processSpans();
    expect(span?.parentSpanContext).toBeUndefined();
    expect(span?.spanContext().traceId).not.toBe(traceIds[0]);
    expect(span?.attributes['ordermesh.replay']).toBe(true);
    expect(span?.links.map((link) => [link.context.traceId, link.attributes])).toEqual([
      [traceIds[0], { 'ordermesh.link': 'replay_of' }],
    ]);
    expect(child()?.spanContext().traceId).toBe(span?.spanContext().traceId);
    expect(got?.replay).toBe(true);
  });

  it('keeps history in the trace of its batch, beside new events that continue theirs', async () => {
    const got = await run(batchOf(created(0, longAgo), created(1)));
    const [old, fresh] = processSpans();
    expect(old?.parentSpanContext?.spanId).toBe(batchSpan()?.spanContext().spanId);
    expect(old?.links.map((link) => link.context.traceId)).toEqual([traceIds[0]]);
    expect(fresh?.spanContext().traceId).toBe(traceIds[1]);
    expect(got?.replay).toBeUndefined();
    clearMemorySpans();
    expect((await run(batchOf(created(0, longAgo), created(1, longAgo))))?.replay).toBe(true);
    expect(batchSpan()?.attributes['ordermesh.replay']).toBe(true);
  });

  it('starts a trace for a message that carries none', async () => {
    await inSpan('caller', {}, () => run(batchOf(log.next(order))));
    const [span] = processSpans();
    expect(span?.parentSpanContext).toBeUndefined();
    expect(span?.links).toEqual([]);
  });

  it.each([1, 2])(
    'marks all spans of %i messages whose handler rejected, and rejects',
    async (count) => {
      const fault = new TypeError('the store is down');
      const batch = batchOf(...[created(0), created(1)].slice(0, count));
      const handler = { batch: () => Promise.reject(fault) };
      await expect(processInSpans(handler, batch, options)).rejects.toBe(fault);
      expect(processSpans()).toHaveLength(count);
      for (const span of processSpans()) expect(span.status.code).toBe(SpanStatusCode.ERROR);
      expect(trace.getActiveSpan()).toBeUndefined();
      expect(await metricsText()).toMatch(
        /messaging_process_duration_count\{.*error_type="TypeError".*\} /,
      );
    },
  );
});
