import type { IncomingHttpHeaders } from 'node:http';
import { invalidRequest } from '@ordermesh/rpc';

const unitMs = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 } as const;

/**
 * The time that the client allows, in milliseconds: `Connect-Timeout-Ms` (REST and Connect) or `grpc-timeout` (gRPC-Web), the shorter one if
 * both are there; `undefined` without either.
 * @throws ReasonError INVALID_REQUEST for a value outside the two protocols' grammars
 */
export function requestedTimeoutMs(headers: IncomingHttpHeaders): number | undefined {
  const asked = [connectTimeout(headers), grpcTimeout(headers)].filter((ms) => ms !== undefined);
  return asked.length > 0 ? Math.min(...asked) : undefined;
}

function connectTimeout(headers: IncomingHttpHeaders): number | undefined {
  const value = headers['connect-timeout-ms'];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && /^\d{1,10}$/.test(value)) return Number(value);
  throw malformed('Connect-Timeout-Ms', 'must be whole milliseconds, at most ten digits');
}

function grpcTimeout(headers: IncomingHttpHeaders): number | undefined {
  const value = headers['grpc-timeout'];
  if (value === undefined) return undefined;
  const match = typeof value === 'string' ? /^(\d{1,8})([HMSmun])$/.exec(value) : null;
  if (match) return Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
  throw malformed('grpc-timeout', 'must be up to eight digits and a unit: H, M, S, m, u or n');
}

function malformed(field: string, detail: string) {
  return invalidRequest([{ field, reason: 'header.timeout', detail }]);
}
