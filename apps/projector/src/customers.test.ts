import { randomUUID } from 'node:crypto';
import { ReasonError } from '@ordermesh/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ScriptedCustomers, scriptedCustomers } from '../test/scripted-customers.ts';

let service: ScriptedCustomers;

beforeEach(async () => {
  service = await scriptedCustomers();
});
afterEach(() => service[Symbol.asyncDispose]());

const lookup = (...ids: readonly string[]) =>
  service.customers.lookup(ids, new AbortController().signal);
const one = async (id: string) => (await lookup(id)).get(id);
const broken = () =>
  Promise.reject(new ReasonError('DEPENDENCY_UNAVAILABLE', 'its database is gone'));
const silent = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

describe('lookup()', () => {
  it('asks once for all customers of a batch, each once', async () => {
    const [ada, unknown] = [randomUUID(), randomUUID()];
    service.register(ada);
    const found = await lookup(ada, unknown, ada, unknown);
    expect(service.calls).toEqual([[ada, unknown]]);
    expect(found.get(ada)).toMatchObject({ revision: 2, customer: { name: 'Ada Lovelace' } });
    expect(found.get(unknown)).toBe('unknown');
    expect(found.size).toBe(2);
  });

  it('asks for nobody when there is nobody', async () => {
    expect((await lookup()).size).toBe(0);
    expect(service.calls).toEqual([]);
  });

  it('asks once for what several batches want at the same time', async () => {
    const [ada, grace, linus] = [randomUUID(), randomUUID(), randomUUID()];
    for (const id of [ada, grace, linus]) service.register(id);
    const [first, second] = await Promise.all([lookup(ada, grace), lookup(grace, linus)]);
    expect(service.calls.flat().sort()).toEqual([ada, grace, linus].sort());
    expect(second.get(grace)).toEqual(first.get(grace));
    expect(second.get(grace)).toMatchObject({ revision: 2 });
  });

  it('remembers who it found', async () => {
    const ada = randomUUID();
    service.register(ada);
    const first = await one(ada);
    service.instead = broken;
    expect(await one(ada)).toEqual(first);
    expect(service.calls).toHaveLength(1);
  });

  it('never remembers that a customer is unknown', async () => {
    const ada = randomUUID();
    expect(await one(ada)).toBe('unknown');
    service.register(ada);
    expect(await one(ada)).toMatchObject({ revision: 2 });
    expect(service.calls).toHaveLength(2);
  });

  it('never remembers that there was no answer', async () => {
    const ada = randomUUID();
    service.register(ada);
    service.instead = broken;
    expect(await one(ada)).toBe('pending');
    service.instead = undefined;
    expect(await one(ada)).toMatchObject({ revision: 2 });
  });

  it('asks for 500 at a time', async () => {
    const ids = Array.from({ length: 1_001 }, () => randomUUID());
    for (const id of ids) service.register(id);
    const found = await lookup(...ids);
    expect(service.calls.map(({ length }) => length).sort((a, b) => b - a)).toEqual([500, 500, 1]);
    expect([...found.values()].every((record) => typeof record === 'object')).toBe(true);
  });

  it('asks no more once the circuit is open: everybody is pending at once', async () => {
    service.instead = broken;
    for (let n = 0; n < 3; n++) expect(await one(randomUUID())).toBe('pending');
    expect(service.calls).toHaveLength(3);
    service.instead = undefined;
    const ids = [randomUUID(), randomUUID()];
    expect([...(await lookup(...ids)).values()]).toEqual(['pending', 'pending']);
    expect(service.calls).toHaveLength(3);
  });

  it('asks nobody for a batch that is over already', async () => {
    const lost = new Error('the partition is lost');
    const lookingUp = service.customers.lookup([randomUUID()], AbortSignal.abort(lost));
    await expect(lookingUp).rejects.toBe(lost);
    expect(service.calls).toEqual([]);
  });
});

describe('lookup() of a policy', () => {
  it('is bounded by its timeout when the service is silent', async () => {
    await using slow = await scriptedCustomers({ timeoutMs: 200 });
    slow.instead = silent;
    const startedAt = performance.now();
    const id = randomUUID();
    const found = await slow.customers.lookup([id], new AbortController().signal);
    expect(found.get(id)).toBe('pending');
    expect(performance.now() - startedAt).toBeLessThan(10_000); // its deadline is 20 s
  });

  it('finds customers again when the circuit’s pause is over', async () => {
    await using short = await scriptedCustomers({ openMs: 1 });
    const ada = randomUUID();
    short.register(ada);
    short.instead = broken;
    const ask = async () =>
      (await short.customers.lookup([ada], new AbortController().signal)).get(ada);
    for (let n = 0; n < 3; n++) expect(await ask()).toBe('pending');
    short.instead = undefined;
    await expect.poll(ask, { timeout: 10_000 }).toMatchObject({ revision: 2 });
  });
});
