import { context, trace } from '@opentelemetry/api';
import { ReasonError } from '@ordermesh/contract';
import { expect, test, vi } from 'vitest';
import { publicError } from './public-error.ts';

const inSpan = <T>(run: (span: ReturnType<typeof startSpan>) => T): T => {
  const span = startSpan();
  return context.with(trace.setSpan(context.active(), span), () => run(span));
};
const startSpan = () => trace.getTracer('test').startSpan('request');

test('lets an error of ours pass and notes its reason on the span', () => {
  inSpan((span) => {
    const noted = vi.spyOn(span, 'setAttribute');
    const error = new ReasonError('ORDER_NOT_FOUND', 'There is no such order.');
    expect(publicError(error)).toBe(error);
    expect(noted).toHaveBeenCalledWith('ordermesh.reason', 'ORDER_NOT_FOUND');
    span.end();
  });
});

test('leaves alone a span that ended when its client went away', () => {
  inSpan((span) => {
    span.end();
    const noted = vi.spyOn(span, 'setAttribute');
    publicError(new ReasonError('CANCELLED', 'The client went away.'));
    expect(noted).not.toHaveBeenCalled();
  });
});
