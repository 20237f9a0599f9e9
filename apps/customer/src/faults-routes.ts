import type { AdminReply, AdminRoute } from '@ordermesh/service';
import type { FaultSwitch, Faults } from './faults.ts';

const maxLatencyMs = 600_000;

/**
 * `GET /faults` shows the faults; `POST /faults {latencyMs, failRatio}` replaces them, an absent one by 0. Both only from this machine.
 */
export function faultsRoutes(faults: FaultSwitch): readonly AdminRoute[] {
  const show = (): AdminReply => ({ status: 200, body: faults.current });
  return [
    { method: 'GET', path: '/faults', loopbackOnly: true, handle: show },
    {
      method: 'POST',
      path: '/faults',
      loopbackOnly: true,
      handle(body) {
        const wanted = parseFaults(body);
        if (typeof wanted === 'string') return { status: 400, body: { error: wanted } };
        faults.current = wanted;
        return show();
      },
    },
  ];
}

/** The faults, or what is wrong with them. */
function parseFaults(body: unknown): Faults | string {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return 'send {"latencyMs": 0, "failRatio": 0}';
  const { latencyMs = 0, failRatio = 0, ...unknown } = body as Record<string, unknown>;
  const [stranger] = Object.keys(unknown);
  if (stranger !== undefined) return `${stranger} is not known: only latencyMs and failRatio are`;
  if (!isWithin(latencyMs, maxLatencyMs) || !Number.isInteger(latencyMs))
    return `latencyMs must be a whole number from 0 to ${maxLatencyMs}`;
  if (!isWithin(failRatio, 1)) return 'failRatio must be a number from 0 to 1';
  return { latencyMs, failRatio };
}

const isWithin = (value: unknown, max: number): value is number =>
  typeof value === 'number' && value >= 0 && value <= max;
