import type { DescMethodUnary, Message } from '@bufbuild/protobuf';
import { createConnectRouter, createContextKey, createContextValues } from '@connectrpc/connect';
import type { UniversalHandler, UniversalServerRequest } from '@connectrpc/connect/protocol';
import { httpStatus, ReasonError } from '@ordermesh/contract';
import { invalidRequest } from '@ordermesh/rpc';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Call, startCall } from '../call.ts';
import { answerHeaders } from '../headers/forwarded.ts';
import { isConditional } from '../headers/precondition.ts';
import { challenge } from '../problem/challenge.ts';
import { letClientFinish, maxBodyBytes, translated } from '../problem/framework-error.ts';
import { publicError } from '../problem/public-error.ts';
import type { EdgeOptions } from '../rest.ts';
import { answerJson } from '../transcoder/json-answer.ts';
import { checkPayload } from './check-payload.ts';
import { toConnectError } from './connect-error.ts';

const callKey = createContextKey<Call | undefined>(undefined);

/** Puts `POST /<service>/<method>` on the server for Connect (JSON and binary) and gRPC-Web. */
export function mountConnect(
  app: FastifyInstance,
  methods: readonly DescMethodUnary[],
  options: EdgeOptions,
): void {
  for (const handler of connectHandlers(methods, options))
    app.route({
      method: 'POST',
      url: handler.requestPath,
      config: { httpRoute: handler.requestPath, rpc: handler.method as DescMethodUnary },
      handler: (request, reply) => answer(handler, request, reply, options),
      errorHandler: (error, request, reply) => refuse(handler, error, request, reply),
    });
}

function connectHandlers(
  methods: readonly DescMethodUnary[],
  { forward }: EdgeOptions,
): readonly UniversalHandler[] {
  const router = createConnectRouter({
    // gRPC itself needs HTTP/2 and trailers; inside the mesh the services speak it.
    grpc: false,
    // None: see refuseContentEncoding.
    acceptCompression: [],
    readMaxBytes: maxBodyBytes,
    jsonOptions: { ...answerJson, ignoreUnknownFields: false },
  });
  for (const method of methods)
    router.rpc(method, async (request: Message, context) => {
      try {
        const result = await forward(method, request, context.values.get(callKey) as Call);
        for (const [name, value] of Object.entries(answerHeaders(result.headers)))
          context.responseHeader.set(name, value);
        return result.message;
      } catch (error) {
        throw toConnectError(publicError(error));
      }
    });
  return router.handlers;
}

async function answer(
  handler: UniversalHandler,
  request: FastifyRequest,
  reply: FastifyReply,
  { requestTimeoutMs }: EdgeOptions,
): Promise<FastifyReply> {
  const contentType = request.headers['content-type'];
  if (!handler.supportedContentType(contentType ?? ''))
    throw new ReasonError(
      'UNSUPPORTED_MEDIA_TYPE',
      'Send application/json, application/proto or application/grpc-web+proto.',
    );
  if (isConditional(request.headers)) throw conditional();
  const call = startCall(request, reply.raw, requestTimeoutMs);
  const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  checkPayload(handler.method.input, contentType as string, bytes);
  const response = await handler(universal(handler, request, chunks(bytes), call));
  return send(reply, response);
}

// To ignore it would do what the client wanted to prevent; Connect's messages have a field for it.
function conditional(): ReasonError {
  const detail = 'is for REST; over Connect and gRPC-Web set expectedVersion in the message';
  return invalidRequest([{ field: 'If-Match', reason: 'header.precondition', detail }]);
}

/** An error from before the handler ran, in the client's protocol, with our table's HTTP status where the protocol leaves one. */
async function refuse(
  handler: UniversalHandler,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const known = translated(error);
  if (!handler.supportedContentType(request.headers['content-type'] ?? '')) throw known;
  const shown = publicError(known);
  letClientFinish(shown, reply);
  reply.headers(challenge(shown));
  const response = await handler(universal(handler, request, failing(toConnectError(shown))));
  // gRPC-Web answers 200 with its status in the trailers.
  const status = response.status === 200 ? 200 : httpStatus(shown.reason, shown.code);
  await send(reply, { ...response, status });
}

function universal(
  handler: UniversalHandler,
  request: FastifyRequest,
  body: AsyncIterable<Uint8Array>,
  call?: Call,
): UniversalServerRequest {
  const contextValues = createContextValues().set(callKey, call);
  // Only what selects the protocol: timeouts, lengths and encodings are dealt with here, for all protocols alike.
  const header = new Headers({ 'content-type': request.headers['content-type'] ?? '' });
  return {
    httpVersion: request.raw.httpVersion,
    method: 'POST',
    url: `http://gateway${handler.requestPath}`,
    header,
    body,
    signal: call?.signal ?? new AbortController().signal,
    contextValues,
  };
}

async function* chunks(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

// biome-ignore lint/correctness/useYield: it fails before the first chunk
async function* failing(error: Error): AsyncIterable<Uint8Array> {
  throw error;
}

async function send(
  reply: FastifyReply,
  response: Awaited<ReturnType<UniversalHandler>>,
): Promise<FastifyReply> {
  const parts: Uint8Array[] = [];
  for await (const part of response.body ?? []) parts.push(part);
  for (const [name, value] of response.header ?? []) reply.header(name, value);
  return reply.code(response.status).header('cache-control', 'no-store').send(Buffer.concat(parts));
}
