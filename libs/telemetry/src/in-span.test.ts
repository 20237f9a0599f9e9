import { ROOT_CONTEXT, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { beforeEach, describe, expect, test } from 'vitest';

import './register.ts';
import { activeTraceId } from './carry.ts';
import { inSpan } from './in-span.ts';
import { clearMemorySpans, memorySpans } from './running.ts';

const spanNamed = (name: string) => memorySpans().find((span) => span.name === name);

beforeEach(() => clearMemorySpans());

describe('inSpan()', () => {
  test('runs the function inside the span, answers its value and ends the span', async () => {
    const options = { kind: SpanKind.PRODUCER, attributes: { 'ordermesh.order.id': 'o1' } };
    const inner = await inSpan('work', options, async () => activeTraceId());
    expect(spanNamed('work')).toMatchObject({
      kind: SpanKind.PRODUCER,
      attributes: { 'ordermesh.order.id': 'o1' },
      status: { code: SpanStatusCode.UNSET },
      ended: true,
    });
    expect(spanNamed('work')?.spanContext().traceId).toBe(inner);
  });

  test('nests under the active span, or under the parent it is given', async () => {
    await inSpan('outer', {}, async () => {
      await inSpan('nested', {}, () => undefined);
      await inSpan('detached', { parent: ROOT_CONTEXT }, () => undefined);
    });
    const outer = spanNamed('outer')?.spanContext();
    expect(spanNamed('nested')?.parentSpanContext?.spanId).toBe(outer?.spanId);
    expect(spanNamed('detached')?.parentSpanContext).toBeUndefined();
    expect(spanNamed('detached')?.spanContext().traceId).not.toBe(outer?.traceId);
  });

  test('records an error, marks the span failed, and throws the same error on', async () => {
    const error = Object.assign(new Error('taken'), { code: '23505' });
    await expect(inSpan('fails', {}, () => Promise.reject(error))).rejects.toBe(error);
    const span = spanNamed('fails');
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'taken' });
    expect(span?.attributes['error.type']).toBe('23505');
    expect(span?.events.map((event) => event.name)).toEqual(['exception']);
  });

  test('leaves the status unset for an expected error', async () => {
    const refused = inSpan(
      'refused',
      { isExpected: (error) => error instanceof RangeError },
      () => {
        throw new RangeError('no');
      },
    );
    await expect(refused).rejects.toThrow('no');
    expect(spanNamed('refused')?.status.code).toBe(SpanStatusCode.UNSET);
    expect(spanNamed('refused')?.attributes['error.type']).toBe('RangeError');
    expect(spanNamed('refused')?.events).toEqual([]);
  });
});
