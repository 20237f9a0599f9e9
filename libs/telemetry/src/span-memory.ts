import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';

/** Keeps finished spans, for tests. */
export interface SpanMemory {
  readonly processor: SpanProcessor;
  spans(): readonly ReadableSpan[];
  clear(): void;
}

/**
 * Without `fromStart` it keeps nothing until it is first asked: a preload can then always have one, without a variable
 * that processes spawned by a test would inherit and fill their memory by.
 */
export function createSpanMemory(options: { readonly fromStart: boolean }): SpanMemory {
  let recording = options.fromStart;
  let finished: ReadableSpan[] = [];
  return {
    processor: {
      onStart: () => {},
      onEnd: (span) => {
        if (recording) finished.push(span);
      },
      forceFlush: async () => {},
      shutdown: async () => {},
    },
    spans: () => {
      recording = true;
      return finished;
    },
    clear: () => {
      recording = true;
      finished = [];
    },
  };
}
