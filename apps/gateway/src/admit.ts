import { authorise, bearerToken, type TokenVerifier, unauthenticated } from '@ordermesh/auth';
import { type Principal, ReasonError } from '@ordermesh/contract';
import { clientAddress, type RateLimits, routeClass } from '@ordermesh/rate-limit';
import { logger } from '@ordermesh/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { EdgeOptions } from './rest.ts';

const log = logger('edge');

/**
 * Whether a request may go on, before anything else is looked at. While authentication is off its client's address is limited, and that is all. Else the address is, then the token
 * is verified, then its subject is limited, and then the method's policy is asked; the service behind decides on all that again. Unknown routes need no token: whoever guesses paths
 * is limited like any other.
 * @throws ReasonError RATE_LIMITED, COST_EXCEEDS_LIMIT, UNAUTHENTICATED, FORBIDDEN, DEPENDENCY_UNAVAILABLE
 */
export async function admit(
  request: FastifyRequest,
  reply: FastifyReply,
  { limits, trustedProxyCount, verifier }: EdgeOptions,
): Promise<void> {
  const forwardedFor = request.headers['x-forwarded-for'];
  request.client = clientAddress(request.ip, String(forwardedFor ?? ''), trustedProxyCount);
  if (verifier === undefined) await limit(request, reply, limits);
  else await identified(request, reply, limits, verifier);
}

async function identified(
  request: FastifyRequest,
  reply: FastifyReply,
  limits: RateLimits,
  verifier: TokenVerifier,
): Promise<void> {
  await limit(request, reply, limits, { by: 'address' });
  if (request.is404) return limit(request, reply, limits, { by: 'caller' });
  let principal: Principal | undefined;
  try {
    // `headers` has only the first of several, and a proxy in front may have gone by the last.
    const token = bearerToken(request.raw.headersDistinct.authorization ?? []);
    if (token === undefined) throw unauthenticated('missing');
    principal = await verifier.verify(token);
    request.token = token;
    await limit(request, reply, limits, { by: 'caller', caller: principal.subject });
    const { rpc } = request.routeOptions.config;
    if (rpc === undefined) throw new ReasonError('FORBIDDEN', 'Nobody may call this.');
    authorise(rpc, principal);
  } catch (error) {
    logDenial(request, principal?.subject, error);
    throw error;
  }
}

async function limit(
  { client, routeOptions }: FastifyRequest,
  reply: FastifyReply,
  limits: RateLimits,
  whom: { readonly by?: 'address' | 'caller'; readonly caller?: string } = {},
): Promise<void> {
  const { rpc } = routeOptions.config;
  const route = rpc ? routeClass(rpc.name) : 'other';
  const { refusal, headers } = await limits.admit({ address: client, route, ...whom });
  // Those of the address stay beside those of the caller.
  for (const [name, value] of Object.entries(headers)) {
    const before = reply.getHeader(name);
    reply.header(name, before === undefined ? value : `${before}, ${value}`);
  }
  if (refusal) throw refusal;
}

/** Once, with the trace id, without anything that the request or the token held but whose it is. */
function logDenial(request: FastifyRequest, subject: string | undefined, error: unknown): void {
  if (!(error instanceof ReasonError)) return;
  if (error.reason !== 'UNAUTHENTICATED' && error.reason !== 'FORBIDDEN') return;
  const { reason, message, cause } = error;
  const check = cause instanceof Error ? cause.message : message;
  const route = request.routeOptions.config.httpRoute;
  log.warn({ route, reason, check, subject, address: request.client }, 'denied');
}
