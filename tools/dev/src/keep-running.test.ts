import { expect, test } from 'vitest';
import { type Clock, keepRunning, type Running } from './keep-running.ts';

/** A clock whose waits pass at once and are remembered, and programs that live as long as they are told. */
function world(lifetimesMs: readonly number[]) {
  let now = 0;
  const said: string[] = [];
  const events: string[] = [];
  const clock: Clock = {
    now: () => now,
    async delay(ms) {
      now += ms;
    },
  };
  const lifetimes = [...lifetimesMs];
  const all = Promise.withResolvers<void>();
  const program = (): Running => {
    events.push('start');
    const lifetime = lifetimes.shift();
    const { promise: ended, resolve } = Promise.withResolvers<string>();
    if (lifetime === undefined) all.resolve();
    else {
      now += lifetime;
      resolve('exit code 7');
    }
    return {
      ended,
      async stop() {
        events.push('stop');
        resolve('SIGTERM');
      },
      kill() {
        events.push('kill');
        resolve('SIGKILL');
      },
    };
  };
  const say = (line: string) => said.push(line);
  return { clock, said, events, program, say, allStarted: all.promise };
}

/** A start that waits for `gate`; `starting` resolves when it has begun. */
function slowStart(program: () => Running) {
  const gate = Promise.withResolvers<void>();
  const starting = Promise.withResolvers<void>();
  const start = async () => {
    starting.resolve();
    await gate.promise;
    return program();
  };
  return { gate, starting, start };
}

test('waits 250 ms, doubling to 5 s, and says so', async () => {
  const { clock, said, program, say, allStarted } = world([0, 10, 10, 10, 10, 10, 10]);
  const kept = keepRunning({ name: 'query', first: program(), start: program, clock, say });
  await allStarted;
  await kept.stop();
  expect(said).toEqual(
    [250, 500, 1000, 2000, 4000, 5000, 5000].map(
      (ms) => `restarting query in ${ms} ms (exit code 7)`,
    ),
  );
});

test('begins at 250 ms again after 30 s alive', async () => {
  const { clock, said, program, say, allStarted } = world([0, 29_999, 30_000, 10]);
  const kept = keepRunning({ name: 'query', first: program(), start: program, clock, say });
  await allStarted;
  await kept.stop();
  expect(said.map((line) => /in (\d+) ms/.exec(line)?.[1])).toEqual(['250', '500', '250', '500']);
});

test('counts a start that throws as an end', async () => {
  const { clock, said, program, say, allStarted } = world([0]);
  let failures = 2;
  const start = () => {
    if (failures-- > 0) throw new Error('no port');
    return program();
  };
  const kept = keepRunning({ name: 'PostgreSQL', first: program(), start, clock, say });
  await allStarted;
  await kept.stop();
  expect(said).toEqual([
    'restarting PostgreSQL in 250 ms (exit code 7)',
    'restarting PostgreSQL in 500 ms (no port)',
    'restarting PostgreSQL in 1000 ms (no port)',
  ]);
});

test('does not restart what it was asked to stop', async () => {
  const { clock, said, events, program, say } = world([]);
  const kept = keepRunning({ name: 'query', first: program(), start: program, clock, say });
  await kept.stop();
  await kept.stop();
  expect(said).toEqual([]);
  expect(events).toEqual(['start', 'stop']);
});

test('stops what was just starting when it was asked to stop', async () => {
  const { clock, events, program, say } = world([0]);
  const { gate, starting, start } = slowStart(program);
  const kept = keepRunning({ name: 'query', first: program(), start, clock, say });
  await starting.promise;
  const stopped = kept.stop();
  gate.resolve();
  await stopped;
  expect(events).toEqual(['start', 'start', 'stop']);
});

test('leaves a long start behind, and stops what it made nevertheless', async () => {
  const { clock, events, program, say } = world([0]);
  const { gate, starting, start } = slowStart(program);
  const first = program();
  const kept = keepRunning({ name: 'q', first, start, clock, say, leaveStartAfterMs: 1_000 });
  await starting.promise;
  await kept.stop();
  expect(events).toEqual(['start']);
  gate.resolve();
  await kept.stop();
  await expect.poll(() => events).toEqual(['start', 'start', 'stop']);
});

test('leaves an end alone that mayRestart refuses', async () => {
  const { clock, said, program, say } = world([0]);
  const asked = Promise.withResolvers<void>();
  const mayRestart = () => {
    asked.resolve();
    return false;
  };
  const kept = keepRunning({ name: 'q', first: program(), start: program, clock, say, mayRestart });
  await asked.promise;
  await kept.stop();
  expect(said).toEqual([]);
});
