import { expect, it } from 'vitest';
import { untilAborted } from './until-aborted.ts';

const never = new Promise<never>(() => undefined);

it('gives the result of the work when the signal does not fire', async () => {
  const { signal } = new AbortController();
  expect(await untilAborted(Promise.resolve(1), signal)).toBe(1);
  await expect(untilAborted(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
});

it('rejects with the reason as soon as the signal fires', async () => {
  const caller = new AbortController();
  const waiting = untilAborted(never, caller.signal);
  caller.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
});

it('rejects at once when the signal has fired, and nobody hears of the work', async () => {
  const gone = AbortSignal.abort(new Error('gone'));
  for (const work of [never, Promise.resolve(1), Promise.reject(new Error('no'))])
    await expect(untilAborted(work, gone)).rejects.toThrow('gone');
});
