import { ReasonError } from '@ordermesh/contract';
import { expect, test } from 'vitest';
import { type Importance, importanceOf, type LoadShedder, loadShedder } from './load-shedder.ts';

function entered(shedder: LoadShedder, importance: Importance, times: number) {
  const exits: (() => void)[] = [];
  for (let i = 0; i < times; i++) {
    try {
      exits.push(shedder.enter(importance));
    } catch (error) {
      expect(error).toMatchObject({ reason: 'OVERLOADED', retryAfterMs: 1_000 });
    }
  }
  return exits;
}

test('keeps room for what matters more', () => {
  using shedder = loadShedder({ maxConcurrent: 100, loopDelayMs: () => 0 });
  expect(entered(shedder, 'deferrable', 200)).toHaveLength(70);
  expect(entered(shedder, 'usual', 200)).toHaveLength(20);
  expect(entered(shedder, 'finishing', 200)).toHaveLength(10);
});

test('a place that was given back is there for the next', () => {
  using shedder = loadShedder({ maxConcurrent: 1, loopDelayMs: () => 0 });
  const [exit] = entered(shedder, 'finishing', 1);
  expect(() => shedder.enter('finishing')).toThrow(ReasonError);
  exit?.();
  expect(entered(shedder, 'finishing', 1)).toHaveLength(1);
});

test.each<[number, Importance[]]>([
  [0, ['finishing', 'usual', 'deferrable']],
  [301, ['finishing', 'usual']],
  [1_001, ['finishing']],
])('with an event loop %i ms behind it admits %j', (delayMs, admitted) => {
  using shedder = loadShedder({ maxConcurrent: 100, loopDelayMs: () => delayMs });
  const classes: Importance[] = ['finishing', 'usual', 'deferrable'];
  expect(classes.filter((one) => entered(shedder, one, 1).length > 0)).toEqual(admitted);
});

test('sees that its own event loop was blocked', async () => {
  using shedder = loadShedder({ maxConcurrent: 100 });
  const until = performance.now() + 3_000;
  // Each turn of the loop takes half a second, so the mean of a second does, too.
  let isShedding = false;
  while (!isShedding && performance.now() < until) {
    const turn = performance.now() + 500;
    while (performance.now() < turn);
    await new Promise((resolve) => setTimeout(resolve, 0));
    isShedding = entered(shedder, 'deferrable', 1).length === 0;
  }
  expect(isShedding).toBe(true);
});

test.each<[string, Importance]>([
  ['PayOrder', 'finishing'],
  ['DeliverOrder', 'finishing'],
  ['CreateOrder', 'usual'],
  ['GetOrder', 'usual'],
  ['SearchOrders', 'deferrable'],
  ['ListOrderEvents', 'deferrable'],
])('%s is %s', (method, expected) => {
  expect(importanceOf(method)).toBe(expected);
});
