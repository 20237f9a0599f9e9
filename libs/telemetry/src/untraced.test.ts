import { expect, test } from 'vitest';
import { carry } from './carry.ts';
import { inSpan } from './in-span.ts';
import { clearMemorySpans, memorySpans } from './running.ts';
import { untraced } from './untraced.ts';

test('records nothing, and tells peers to record nothing', async () => {
  clearMemorySpans();
  const sent = await inSpan('caller', {}, () =>
    untraced(() => inSpan('polling', {}, () => carry().traceparent)),
  );
  expect(sent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  expect(memorySpans().map(({ name }) => name)).toEqual(['caller']);
});
