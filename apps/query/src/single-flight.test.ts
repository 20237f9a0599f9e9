import { describe, expect, it } from 'vitest';
import { flightKey, singleFlight } from './single-flight.ts';

const staying = new AbortController().signal;

/** Work that a test ends, with the signals of all times that it was started. */
function workload() {
  const signals: AbortSignal[] = [];
  const ends: PromiseWithResolvers<string>[] = [];
  const work = (signal: AbortSignal) => {
    signals.push(signal);
    const end = Promise.withResolvers<string>();
    ends.push(end);
    return end.promise;
  };
  return { work, signals, ends };
}

it('gives each owner of the same read another key, everybody one more', () => {
  const of = (owner: string | undefined, ...what: unknown[]) => flightKey(what, owner);
  const keys = [of('ada', 'x', 1), of('bob', 'x', 1), of(undefined, 'x', 1), of('null', 'x', 1)];
  const others = [of('', 'x', 1), of('1', 'x'), of('ada', 'x', 2), of('1 ada', 'x')];
  expect(new Set([...keys, ...others]).size).toBe(8);
  expect(of('ada', 'x', 1n)).toBe(keys[0]);
});

describe('singleFlight()', () => {
  it('does the work once for all who ask at the same time, and again for whoever comes later', async () => {
    const { work, ends } = workload();
    const { join } = singleFlight<string>();
    const asked = Array.from({ length: 50 }, () => join('a', staying, work));
    ends[0]?.resolve('first');
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['first']));
    const later = join('a', staying, work);
    ends[1]?.resolve('second');
    expect(await later).toBe('second');
    expect(ends).toHaveLength(2);
  });

  it('does work of its own for each key', async () => {
    const { work, ends } = workload();
    const { join } = singleFlight<string>();
    const asked = [join('a', staying, work), join('b', staying, work)];
    ends[1]?.resolve('b');
    ends[0]?.resolve('a');
    expect(await Promise.all(asked)).toEqual(['a', 'b']);
  });

  it('tells all of an error, and keeps none for later', async () => {
    const { work, ends } = workload();
    const { join } = singleFlight<string>();
    const asked = [join('a', staying, work), join('a', staying, work)];
    ends[0]?.reject(new Error('broken'));
    for (const one of asked) await expect(one).rejects.toThrow('broken');
    const later = join('a', staying, work);
    ends[1]?.resolve('whole');
    expect(await later).toBe('whole');
  });

  it('lets one caller leave at once, with its own reason, and the others have the answer', async () => {
    const { work, ends, signals } = workload();
    const { join } = singleFlight<string>();
    const leaving = new AbortController();
    const left = join('a', leaving.signal, work); // the one who started it
    const stayed = join('a', staying, work);
    leaving.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    expect(signals[0]?.aborted).toBe(false);
    ends[0]?.resolve('answer');
    expect(await stayed).toBe('answer');
  });

  it('ends the work when the last caller has left, and starts anew for the next', async () => {
    const { work, ends, signals } = workload();
    const { join } = singleFlight<string>();
    const leaving = new AbortController();
    const left = [join('a', leaving.signal, work), join('a', leaving.signal, work)];
    leaving.abort(new Error('gone'));
    for (const one of left) await expect(one).rejects.toThrow('gone');
    expect(signals[0]?.aborted).toBe(true);
    const next = join('a', staying, work);
    ends[0]?.reject(signals[0]?.reason);
    ends[1]?.resolve('anew');
    expect(await next).toBe('anew');
  });

  it('starts nothing for a caller that has left already', async () => {
    const { work, signals } = workload();
    const asked = singleFlight<string>().join('a', AbortSignal.abort(new Error('gone')), work);
    await expect(asked).rejects.toThrow('gone');
    expect(signals).toEqual([]);
  });
});
