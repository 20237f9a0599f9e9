import { describe, expect, it } from 'vitest';
import { turns } from './turns.ts';

describe('turns()', () => {
  it('runs no more than the limit at the same time, in the order of the requests', async () => {
    const queue = turns(2);
    const order: string[] = [];
    const gates = new Map<string, () => void>();
    const request = (name: string) =>
      queue.request(async () => {
        order.push(name);
        const { promise, resolve } = Promise.withResolvers<void>();
        gates.set(name, resolve);
        await promise;
      });
    for (const name of ['a', 'b', 'c', 'd']) request(name);
    expect(order).toEqual(['a', 'b']);

    gates.get('b')?.();
    await expect.poll(() => order).toEqual(['a', 'b', 'c']);
    for (const name of ['a', 'c']) gates.get(name)?.();
    await expect.poll(() => order).toEqual(['a', 'b', 'c', 'd']);
  });

  it('runs a turn once that was requested twice before it started, and never one that was cancelled', async () => {
    const queue = turns(1);
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const twice = async () => void order.push('twice');
    const cancelled = async () => void order.push('cancelled');
    queue.request(() => gate.promise);
    queue.request(twice);
    queue.request(twice);
    queue.request(cancelled);
    queue.cancel(cancelled);
    queue.request(async () => void order.push('last'));
    gate.resolve();
    await expect.poll(() => order).toEqual(['twice', 'last']);
  });
});
