import { serveAdmin } from '@ordermesh/service';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type FaultSwitch, faultSwitch } from './faults.ts';
import { faultsRoutes } from './faults-routes.ts';

let faults: FaultSwitch;
let admin: Awaited<ReturnType<typeof serveAdmin>>;

beforeEach(async () => {
  faults = faultSwitch();
  admin = await serveAdmin({
    host: '127.0.0.1',
    port: 0,
    portVariable: 'CUSTOMER_ADMIN_PORT',
    life: { state: 'ready' },
    routes: faultsRoutes(faults),
  });
});

afterEach(() => admin[Symbol.asyncDispose]());

async function send(body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`http://127.0.0.1:${admin.port}/faults`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { ...headers, connection: 'close' },
  });
  return { status: response.status, body: await response.json() };
}

it('shows what it was told last', async () => {
  const wanted = { latencyMs: 250, failRatio: 0.5 };
  expect(await send(wanted)).toEqual({ status: 200, body: wanted });
  expect(faults.current).toEqual(wanted);
  const shown = await fetch(`http://127.0.0.1:${admin.port}/faults`, {
    headers: { connection: 'close' },
  });
  expect(await shown.json()).toEqual(wanted);
});

it('takes what is left out as 0', async () => {
  await send({ latencyMs: 250, failRatio: 0.5 });
  expect(await send({ failRatio: 1 })).toEqual({
    status: 200,
    body: { latencyMs: 0, failRatio: 1 },
  });
});

it.each([
  ['no object', 7],
  ['a list', []],
  ['null', null],
  ['a negative latency', { latencyMs: -1 }],
  ['half a millisecond', { latencyMs: 0.5 }],
  ['more than ten minutes', { latencyMs: 600_001 }],
  ['a latency in words', { latencyMs: '100' }],
  ['a negative ratio', { failRatio: -0.1 }],
  ['a ratio over 1', { failRatio: 1.1 }],
  ['a ratio in words', { failRatio: 'half' }],
  ['a name that is not known', { latency: 100 }],
])('refuses %s and keeps what it had', async (_, body) => {
  await send({ latencyMs: 1, failRatio: 0.1 });
  expect(await send(body)).toEqual({ status: 400, body: { error: expect.any(String) } });
  expect(faults.current).toEqual({ latencyMs: 1, failRatio: 0.1 });
});

it('does not obey a web page', async () => {
  expect((await send({ failRatio: 1 }, { origin: 'http://example.com' })).status).toBe(403);
  expect(faults.current.failRatio).toBe(0);
});
