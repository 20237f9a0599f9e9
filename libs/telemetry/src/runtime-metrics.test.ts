import { expect, test } from 'vitest';
import './register.ts';
import { metricsText } from './running.ts';

test('the scrape has event loop, memory and CPU of the process', async () => {
  // The first scrape starts a period; a delay needs a turn of the loop to be measured.
  await expect.poll(metricsText).toMatch(/^nodejs_eventloop_delay_p99 \d/m);
  const text = await metricsText();
  for (const name of [
    'process_memory_usage',
    'v8js_memory_heap_used',
    'nodejs_eventloop_utilization',
  ]) {
    expect(text).toMatch(new RegExp(`^${name} [\\d.]+$`, 'm'));
  }
  expect(text).toMatch(/^process_cpu_time_total\{cpu_mode="user"\} [\d.]+$/m);
  expect(text).toMatch(/^target_info\{.*service_name="/m);
});
