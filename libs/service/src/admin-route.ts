import type { IncomingMessage } from 'node:http';

const bodyLimitBytes = 64 * 1024;

/** What an admin route answers; `body` is sent as JSON unless it is a string. */
export interface AdminReply {
  readonly status: number;
  readonly body: unknown;
  /** Default `application/json`. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One method of one path. */
export interface AdminRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Compared as a whole; there are no patterns. */
  readonly path: string;
  /**
   * Only this machine may call it, and no web page: set it on every route that changes something. Others get 403,
   * judged by the socket's address and not by any header.
   */
  readonly loopbackOnly?: boolean;
  /** `body` is the parsed JSON, `undefined` when there was none. An error thrown becomes a 500 without detail, and is logged. */
  handle(body: unknown): AdminReply | Promise<AdminReply>;
}

/**
 * Finds and runs the route of a request: 404 for an unknown path, 405 with `Allow` for a wrong method, 403 as
 * {@link AdminRoute.loopbackOnly} says, 413 for a body over 64 KiB, 400 for one that is not JSON.
 */
export async function answerRoute(
  routes: readonly AdminRoute[],
  request: IncomingMessage,
): Promise<AdminReply> {
  const path = (request.url ?? '/').split('?', 1)[0];
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const samePath = routes.filter((route) => route.path === path);
  if (samePath.length === 0) return failure(404, 'no such route');
  const route = samePath.find((candidate) => candidate.method === method);
  if (!route) {
    const allow = samePath.map((candidate) => candidate.method).join(', ');
    return { ...failure(405, `only ${allow}`), headers: { allow } };
  }
  if (route.loopbackOnly && !isLocalCaller(request)) return failure(403, 'only from this machine');
  const body = await readBody(request);
  return 'refusal' in body ? body.refusal : route.handle(body.value);
}

/** Browsers send `Origin` with every request that a foreign page makes; programs don't. */
function isLocalCaller(request: IncomingMessage): boolean {
  const address = request.socket.remoteAddress ?? '';
  const loopback = address === '::1' || /^(::ffff:)?127\./.test(address);
  return loopback && request.headers.origin === undefined;
}

type Body = { readonly value: unknown } | { readonly refusal: AdminReply };

async function readBody(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Events rather than `for await`: leaving that loop early destroys the socket before the refusal is sent.
  const { promise, resolve, reject } = Promise.withResolvers<'whole' | 'too large'>();
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > bodyLimitBytes) {
      request.pause();
      resolve('too large');
    } else chunks.push(chunk);
  });
  request.on('end', () => resolve('whole'));
  request.on('error', reject);
  if ((await promise) === 'too large') return { refusal: failure(413, 'body over 64 KiB') };
  if (size === 0) return { value: undefined };
  try {
    return { value: JSON.parse(Buffer.concat(chunks).toString('utf8')) };
  } catch {
    return { refusal: failure(400, 'the body is not JSON') };
  }
}

function failure(status: number, error: string): AdminReply {
  return { status, body: { error } };
}
