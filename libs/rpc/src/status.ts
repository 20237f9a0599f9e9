import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Any, anyPack, anyUnpack } from '@bufbuild/protobuf/wkt';
import { Metadata, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import {
  BadRequestSchema,
  Code,
  type CodeName,
  ErrorInfoSchema,
  isReason,
  PreconditionFailureSchema,
  QuotaFailureSchema,
  type Reason,
  ReasonError,
  ResourceInfoSchema,
  RetryInfoSchema,
  reasonRow,
  StatusSchema,
} from '@ordermesh/contract';

const domain = 'ordermesh';
const detailsKey = 'grpc-status-details-bin';

/** Any error as the one that callers see: a ReasonError stays itself, everything else becomes INTERNAL without detail. */
export function toReasonError(error: unknown): ReasonError {
  if (error instanceof ReasonError) return error;
  return new ReasonError('INTERNAL', 'Internal error; the trace id leads to its log line.', {
    cause: error,
  });
}

/** The google.rpc details of an error: ErrorInfo always, the others where they apply. */
export function errorDetails(error: ReasonError): Any[] {
  const details = [
    anyPack(
      ErrorInfoSchema,
      create(ErrorInfoSchema, { reason: error.reason, domain, metadata: { ...error.metadata } }),
    ),
  ];
  if (error.fields.length > 0) {
    const fieldViolations = error.fields.map(({ field, reason, detail }) => ({
      field,
      reason,
      description: detail,
    }));
    details.push(anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations })));
  }
  if (error.code === 'FAILED_PRECONDITION') {
    const violation = {
      type: error.reason,
      subject: error.resource ? `${error.resource.type}/${error.resource.name}` : '',
      description: error.message,
    };
    details.push(
      anyPack(
        PreconditionFailureSchema,
        create(PreconditionFailureSchema, { violations: [violation] }),
      ),
    );
  }
  if (error.reason === 'RATE_LIMITED') {
    const violations = (error.metadata.policies ?? '').split(',').map((description) => ({
      subject: 'caller',
      description,
    }));
    details.push(anyPack(QuotaFailureSchema, create(QuotaFailureSchema, { violations })));
  }
  if (error.retryAfterMs !== undefined) {
    const seconds = Math.floor(error.retryAfterMs / 1000);
    const nanos = Math.round((error.retryAfterMs - seconds * 1000) * 1e6);
    const retryDelay = { seconds: BigInt(seconds), nanos };
    details.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay })));
  }
  if (error.resource) {
    const info = { resourceType: error.resource.type, resourceName: error.resource.name };
    details.push(anyPack(ResourceInfoSchema, create(ResourceInfoSchema, info)));
  }
  return details;
}

/** An error as grpc-js sends it. */
export function toStatus(error: ReasonError): Partial<StatusObject> {
  const code = Code[error.code];
  const status = create(StatusSchema, {
    code,
    message: error.message,
    details: errorDetails(error),
  });
  const metadata = new Metadata();
  metadata.set(detailsKey, Buffer.from(toBinary(StatusSchema, status)));
  // gRPC's own retries (A6) obey it; other codes they decide by themselves.
  if (code === Code.RESOURCE_EXHAUSTED && error.retryAfterMs !== undefined)
    metadata.set('grpc-retry-pushback-ms', String(Math.ceil(error.retryAfterMs)));
  return { code, details: error.message, metadata };
}

const codeNames = new Map<number, CodeName>(
  Object.entries(Code).map(([name, code]) => [code, name as CodeName]),
);

/** Reasons for statuses that no process of ours made: grpc-js itself, a proxy, another implementation. */
const reasonOfCode: Partial<Record<CodeName, Reason>> = {
  CANCELLED: 'CANCELLED',
  DEADLINE_EXCEEDED: 'DEADLINE_EXCEEDED',
  UNAVAILABLE: 'DEPENDENCY_UNAVAILABLE',
  RESOURCE_EXHAUSTED: 'RATE_LIMITED',
};

const ownWords: Partial<Record<Reason, string>> = {
  CANCELLED: 'The call was cancelled.',
  DEADLINE_EXCEEDED: 'The deadline passed before there was an answer; allow more time.',
  DEPENDENCY_UNAVAILABLE: 'A service that this needs is unavailable; try again.',
  RATE_LIMITED: 'A service that this needs takes no more requests at the moment; try again.',
  BODY_TOO_LARGE: 'The message is larger than the service takes.',
};

/** What a call of ours failed with, as the error that the called process threw. */
export function fromServiceError(error: ServiceError): ReasonError {
  const code = codeNames.get(error.code) ?? 'UNKNOWN';
  return detailed(error, code) ?? undetailed(error, code);
}

function undetailed(error: ServiceError, code: CodeName): ReasonError {
  const tooLarge = code === 'RESOURCE_EXHAUSTED' && /larger than max/.test(error.details);
  const reason = tooLarge ? 'BODY_TOO_LARGE' : reasonOfCode[code];
  if (reason === undefined) return toReasonError(error);
  const retryAfterMs = reasonRow(reason).code === 'UNAVAILABLE' ? 1000 : undefined;
  return new ReasonError(reason, ownWords[reason] ?? reasonRow(reason).title, {
    cause: error,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function detailed(error: ServiceError, code: CodeName): ReasonError | undefined {
  const [bytes] = error.metadata?.get(detailsKey) ?? [];
  if (!(bytes instanceof Buffer)) return undefined;
  try {
    return fromDetails(fromBinary(StatusSchema, bytes).details, error, code);
  } catch {
    return undefined; // not written by us, or damaged on its way
  }
}

function fromDetails(
  details: readonly Any[],
  error: ServiceError,
  code: CodeName,
): ReasonError | undefined {
  const find = <T>(pick: (detail: Any) => T | undefined) =>
    details.map(pick).find((found) => found !== undefined);
  const info = find((d) => anyUnpack(d, ErrorInfoSchema));
  if (info?.domain !== domain || !isReason(info.reason)) return undefined;
  const fields = find((d) => anyUnpack(d, BadRequestSchema))?.fieldViolations ?? [];
  const retryDelay = find((d) => anyUnpack(d, RetryInfoSchema))?.retryDelay;
  const resource = find((d) => anyUnpack(d, ResourceInfoSchema));
  return new ReasonError(info.reason, error.details, {
    metadata: info.metadata,
    fields: fields.map(({ field, reason, description }) => ({
      field,
      reason,
      detail: description,
    })),
    onState: reasonRow(info.reason).onState?.code === code,
    ...(retryDelay
      ? { retryAfterMs: Number(retryDelay.seconds) * 1000 + retryDelay.nanos / 1e6 }
      : {}),
    ...(resource ? { resource: { type: resource.resourceType, name: resource.resourceName } } : {}),
    cause: error,
  });
}

/** True for a call that the peer did not take, because it was ending the connection: certainly nothing was begun. */
export function wasRefusedUnread({ code, details }: ServiceError): boolean {
  return codeNames.get(code) === 'UNAVAILABLE' && details === 'Stream refused by server';
}

/** What grpc-js says of a call that it had no connection for; the load balancer puts its name in front. */
const neverSent = /^(\w+: )?(No connection established|Name resolution failed|Channel closed)/;

/**
 * True when the peer may have got the call although none of ours answered it: the connection was lost under it. False when a process of ours answered, and
 * when grpc-js never had a connection to send it on, or the peer refused it unread.
 */
export function mayHaveArrived({ code, cause }: ReasonError): boolean {
  if (code !== 'UNAVAILABLE' || !(cause instanceof Error) || !('details' in cause)) return false;
  const { details, metadata } = cause as ServiceError;
  const isOurs = (metadata?.get(detailsKey) ?? []).length > 0;
  return !isOurs && !neverSent.test(details) && !wasRefusedUnread(cause as ServiceError);
}
