import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const PROBE_EVERY_MS = 100;
const PROBE_LIMIT_MS = 2_000;
const COMPLAIN_EVERY_MS = 15_000;

/**
 * Resolves when `url` answers 200. Asks every 100 ms; every 15 s it tells `complain` what the last answer was.
 * Rejects with the signal's reason when `signal` aborts.
 */
export async function untilReady(
  url: string,
  signal: AbortSignal,
  complain: (lastAnswer: string) => void,
): Promise<void> {
  let complainAt = performance.now() + COMPLAIN_EVERY_MS;
  for (;;) {
    const answer = await probe(url);
    signal.throwIfAborted();
    if (answer === 'ready') return;
    if (performance.now() >= complainAt) {
      complain(answer);
      complainAt += COMPLAIN_EVERY_MS;
    }
    await delay(PROBE_EVERY_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/**
 * Whether anyone answers at `url`, with whatever status. Asked before a process starts there: the readiness
 * of a stranger would pass for its own.
 */
export async function isAnswered(url: string): Promise<boolean> {
  return /^(ready|\d{3} )/.test(await probe(url));
}

/** One GET, without keep-alive: `ready` for 200, otherwise the answer in one line. */
function probe(url: string): Promise<string> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: PROBE_LIMIT_MS }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('error', (error) => resolve(error.message));
      response.on('end', () =>
        resolve(response.statusCode === 200 ? 'ready' : `${response.statusCode} ${body.trim()}`),
      );
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', (error) => resolve(error.message));
  });
}
