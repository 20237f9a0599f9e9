import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { consoleProgress } from './progress.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function recorder(isTTY: boolean) {
  const written: string[] = [];
  return { written, stream: { isTTY, write: (text: string) => written.push(text) } };
}

test('prints plain lines where there is no terminal', async () => {
  const { written, stream } = recorder(false);
  using _shown = consoleProgress(stream).track('Kafka 4.3.1', 62_400_000, async () => 1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(written).toEqual(['downloading Kafka 4.3.1 (about 62 MB)\n']);
});

test('draws all downloads in one line on a terminal and clears it for other lines', async () => {
  const { written, stream } = recorder(true);
  const progress = consoleProgress(stream);
  const first = progress.track('Kafka', 60_000_000, async () => 30_000_000);
  const second = progress.track('Elasticsearch', 100_000_000, async () => 200_000_000);
  written.length = 0;
  await vi.advanceTimersByTimeAsync(200);
  expect(written.join('')).toBe(
    '\r\x1b[KKafka ██████████░░░░░░░░░░ 30/60 MB   Elasticsearch ████████████████████ 200/100 MB',
  );
  written.length = 0;
  progress.say('Redis: ready');
  expect(written).toEqual(['\r\x1b[K', 'Redis: ready\n']);
  first[Symbol.dispose]();
  second[Symbol.dispose]();
  written.length = 0;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(written).toEqual([]);
});
