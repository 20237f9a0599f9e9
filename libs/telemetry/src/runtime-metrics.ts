import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { observeCounter, observeGauge } from './instruments.ts';

const nanosPerSecond = 1e9;

/**
 * Event loop, memory and CPU of this process, under the names of the semantic conventions. Event-loop delays cover the
 * time since the previous scrape; with two scrapers each sees only a part.
 */
export function observeRuntime(): void {
  observeEventLoop();
  observeGauge(
    'process.memory.usage',
    { description: 'Resident set size.', unit: 'By' },
    (report) => report(process.memoryUsage.rss()),
  );
  observeGauge(
    'v8js.memory.heap.used',
    { description: 'Heap in use, all spaces.', unit: 'By' },
    (report) => report(process.memoryUsage().heapUsed),
  );
  observeCounter(
    'process.cpu.time',
    { description: 'CPU time since the process started.', unit: 's' },
    (report) => {
      const { user, system } = process.cpuUsage();
      report(user / 1e6, { 'cpu.mode': 'user' });
      report(system / 1e6, { 'cpu.mode': 'system' });
    },
  );
}

function observeEventLoop(): void {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const statistics = {
    mean: () => delay.mean,
    p50: () => delay.percentile(50),
    p90: () => delay.percentile(90),
    p99: () => delay.percentile(99),
    // Last, because it ends the period.
    max: () => {
      const { max } = delay;
      delay.reset();
      return max;
    },
  };
  for (const [name, read] of Object.entries(statistics)) {
    observeGauge(
      `nodejs.eventloop.delay.${name}`,
      { description: `Event loop delay since the last scrape: ${name}.`, unit: 's' },
      // Without a sample the histogram answers NaN or its initial minimum.
      (report) => {
        const empty = delay.count === 0;
        const nanos = read();
        if (!empty) report(nanos / nanosPerSecond);
      },
    );
  }
  let before = performance.eventLoopUtilization();
  observeGauge(
    'nodejs.eventloop.utilization',
    { description: 'Share of the time since the last scrape in which the event loop was busy.' },
    (report) => {
      const now = performance.eventLoopUtilization();
      report(performance.eventLoopUtilization(now, before).utilization);
      before = now;
    },
  );
}
