import { context, isSpanContextValid, ROOT_CONTEXT, TraceFlags, trace } from '@opentelemetry/api';
import { describe, expect, test } from 'vitest';
import { carry, contextFrom, linkFrom, traceIdOf } from './carry.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;

const malformed = [
  undefined,
  null,
  '',
  'nonsense',
  traceparent.toUpperCase(),
  `${traceparent}-extra`,
  `ff-${traceId}-b7ad6b7169203331-01`,
  `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
  `00-${traceId}-${'0'.repeat(16)}-01`,
  `00-${traceId.slice(1)}-b7ad6b7169203331-01`,
];

describe('carry() and contextFrom()', () => {
  test('bring back the strings they were given', () => {
    const carried = carry(contextFrom(traceparent, 'vendor=a,other=b'));
    expect(carried).toEqual({ traceparent, tracestate: 'vendor=a,other=b' });
  });

  test('keep the sampling decision', () => {
    const unsampled = traceparent.replace(/01$/, '00');
    expect(carry(contextFrom(unsampled))).toEqual({ traceparent: unsampled, tracestate: '' });
    const spanContext = trace.getSpanContext(contextFrom(unsampled));
    expect(spanContext).toMatchObject({ traceFlags: TraceFlags.NONE, isRemote: true });
  });

  test('carry two empty strings when no span is active', () => {
    expect(carry(ROOT_CONTEXT)).toEqual({ traceparent: '', tracestate: '' });
    expect(carry(context.active())).toEqual({ traceparent: '', tracestate: '' });
  });

  test.each(malformed)('yield the base context for traceparent %j', (text) => {
    expect(contextFrom(text, 'a=b')).toBe(ROOT_CONTEXT);
  });

  test('put the remote span on top of the base context', () => {
    const key = Symbol('key');
    const built = contextFrom(traceparent, null, ROOT_CONTEXT.setValue(key, 1));
    expect(built.getValue(key)).toBe(1);
    expect(trace.getSpanContext(built)?.traceId).toBe(traceId);
  });
});

describe('linkFrom()', () => {
  test('links to the carried context with its attributes', () => {
    const link = linkFrom(traceparent, '', { 'ordermesh.link': 'batch' });
    expect(link?.context.traceId).toBe(traceId);
    expect(link && isSpanContextValid(link.context)).toBe(true);
    expect(link?.attributes).toEqual({ 'ordermesh.link': 'batch' });
  });

  test.each(malformed)('is undefined for %j', (text) => {
    expect(linkFrom(text)).toBeUndefined();
  });
});

describe('traceIdOf()', () => {
  test('reads the trace id', () => {
    expect(traceIdOf(traceparent)).toBe(traceId);
  });

  test.each(malformed)('is undefined for %j', (text) => {
    expect(traceIdOf(text)).toBeUndefined();
  });
});
