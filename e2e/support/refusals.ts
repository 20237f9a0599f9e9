import { fromBinary, fromJson } from '@bufbuild/protobuf';
import { BadRequestSchema, type CodeName, ErrorInfoSchema, type Reason } from '@ordermesh/contract';
import { expect } from 'vitest';
import { type Reply, rest } from './api.ts';
import { asRest, type Call, restField } from './calls.ts';
import type { GrpcClient, GrpcRefusal } from './grpc-client.ts';

/** What a refusal has to say, over every protocol. */
export interface Says {
  readonly reason: Reason;
  readonly http: number;
  readonly code: CodeName;
  /** A field at fault, spelled as in JSON. */
  readonly field?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Seconds. */
  readonly retryAfter?: number;
}

/** Refused because of what it asks. */
export const bad = (reason: Reason): Says => ({ reason, http: 400, code: 'INVALID_ARGUMENT' });
/** Refused because a field is not valid. */
export const invalid = (field: string): Says => ({ ...bad('INVALID_REQUEST'), field });
/** Refused because of the order's state. */
export const conflict = (reason: Reason): Says => ({
  reason,
  http: 409,
  code: 'FAILED_PRECONDITION',
});
/** Refused because there is no such thing. */
export const absent = (reason: Reason): Says => ({ reason, http: 404, code: 'NOT_FOUND' });
/** Refused because the order has another version. */
export const stale = (expected: number, actual: number, http = 409): Says => ({
  reason: 'VERSION_CONFLICT',
  http,
  code: 'ABORTED',
  metadata: { expectedVersion: String(expected), actualVersion: String(actual) },
});

/** Statuses that the Connect protocol prescribes per code. */
const connectStatus: Partial<Record<CodeName, number>> = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  ABORTED: 409,
  DEADLINE_EXCEEDED: 504,
};

/** Makes the call over REST and checks the problem document. */
export async function refusedByRest(base: string, call: Call, says: Says, headers = {}) {
  const [method, path, body] = asRest(call);
  const field = says.field === undefined ? {} : { field: restField(call, says.field) };
  expectProblem(await rest(base, method, path, body, headers), { ...says, ...field });
}

/** Makes the call over Connect in JSON and checks the error with its details. */
export async function refusedByConnect(base: string, call: Call, says: Says, headers = {}) {
  const { method, request } = call;
  const path = `/${method.parent.typeName}/${method.name}`;
  const { status, body, ...reply } = await rest(base, 'POST', path, request(), headers);
  const bytes = (name: string) => {
    const details: readonly { type: string; value: string }[] = body.details ?? [];
    const found = details.find(({ type }) => type === `google.rpc.${name}`);
    return Buffer.from(found?.value ?? '', 'base64');
  };
  const { reason, domain, metadata } = fromBinary(ErrorInfoSchema, bytes('ErrorInfo'));
  const { fieldViolations } = fromBinary(BadRequestSchema, bytes('BadRequest'));
  const code = String(body.code).toUpperCase();
  const fields = fieldViolations.map(({ field }) => field);
  const text = JSON.stringify([body.message, metadata, fieldViolations]);
  expectSame({ code, reason, domain, metadata, fields, text }, says);
  expect(status).toBe(connectStatus[says.code]);
  expect(reply.headers.get('traceresponse')).toMatch(/^00-[0-9a-f]{32}-/);
}

/** Makes the call over gRPC, at the service itself, and checks the status with its details. */
export async function refusedByGrpc(client: GrpcClient, call: Call, says: Says, headers = {}) {
  const { method, request } = call;
  const refusal = await client.refusal(method, fromJson(method.input, request()), { headers });
  expectStatus(refusal, says);
}

/** Checks a status and its details. */
export function expectStatus(refusal: GrpcRefusal, says: Says): void {
  expectSame({ ...refusal, text: JSON.stringify(refusal) }, says);
  expect(refusal.retryAfter).toBe(says.retryAfter);
}

type Seen = Pick<GrpcRefusal, 'reason' | 'domain' | 'metadata' | 'fields'> & {
  readonly code: string;
  /** All of it. */
  readonly text: string;
};

function expectSame({ code, reason, domain, metadata, fields, text }: Seen, says: Says): void {
  const expected = { code: says.code, reason: says.reason, domain: 'ordermesh' };
  expect({ code, reason, domain }, text).toEqual(expected);
  expect(metadata).toMatchObject(says.metadata ?? {});
  // Services speak proto names, and metadata is lower-case.
  const field = says.field?.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase();
  if (field !== undefined) expect(fields.map((one) => one.toLowerCase())).toContain(field);
  expectNothingInternal(text);
}

/** Checks an answer of the gateway that has to be application/problem+json. */
export function expectProblem({ status, headers, body }: Reply, says: Says): void {
  const { reason, http, code } = says;
  expect(body).toMatchObject({ reason, status: http, code });
  expect(status).toBe(http);
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(headers.get('cache-control')).toBe('no-store');
  expect(body).toMatchObject({
    type: `urn:ordermesh:problem:${reason}`,
    title: expect.stringMatching(/./),
    detail: expect.stringMatching(/./),
    instance: expect.any(String),
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    ...(says.metadata ? { metadata: says.metadata } : {}),
  });
  expect(headers.get('traceresponse')).toContain(`00-${body.traceId}-`);
  const fields = body.errors?.map(({ field }: { field: string }) => field);
  if (says.field !== undefined) expect(fields).toContain(says.field);
  expect(headers.get('retry-after')).toBe(says.retryAfter ? String(says.retryAfter) : null);
  const { instance: _echoed, ...own } = body;
  expectNothingInternal(JSON.stringify(own));
}

const internals = [
  /\s+at \S+ \(|:\d+:\d+\)|\bstack\b|node_modules|node:[a-z]|\.[cm]?[jt]s\b/, // stack traces
  /\b(select|insert into|update|delete from)\b[^.]*\b(from|values|set|where)\b/i, // statements
  /relation "|duplicate key|violates|SQLSTATE|syntax error at|pg_|postgres|jsonb/i,
  /\/(work|home|root|usr|tmp|var|opt|app|srv)\//, // files
  /fastify|FST_|grpc-js|protobuf-es|protovalidate|connectrpc|undici|\bHPE_|\bERR_|\bE[A-Z]{6,}:/,
  /127\.0\.0\.1|localhost/,
];

/** Checks that a text tells nothing of how the mesh is made. */
export function expectNothingInternal(text: string): void {
  for (const pattern of internals) expect(text).not.toMatch(pattern);
}
