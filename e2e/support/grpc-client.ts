import { type DescMethodUnary, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import {
  type ChannelOptions,
  Client,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import {
  BadRequestSchema,
  Code,
  type CodeName,
  ErrorInfoSchema,
  RetryInfoSchema,
  StatusSchema,
} from '@ordermesh/contract';

/** What came of a call that failed. */
export interface GrpcRefusal {
  readonly code: CodeName;
  readonly message: string;
  /** Of ErrorInfo; `undefined` where the status has no details. */
  readonly reason: string | undefined;
  readonly domain: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** Of BadRequest. */
  readonly fields: readonly string[];
  /** Of RetryInfo, in seconds. */
  readonly retryAfter: number | undefined;
}

/** Calls a service as a program does that knows nothing of this repository's client: plain grpc-js, bytes in and out. */
export interface GrpcClient extends Disposable {
  /** Resolves with the refusal; rejects when the call succeeds. A request that is no message is sent as it is. */
  refusal<M extends DescMethodUnary>(
    method: M,
    request: MessageShape<M['input']> | Uint8Array,
    options?: { readonly headers?: Record<string, string>; readonly timeoutMs?: number },
  ): Promise<GrpcRefusal>;
  /** Resolves with the answer; rejects with grpc-js's error. */
  answer<M extends DescMethodUnary>(
    method: M,
    request: MessageShape<M['input']>,
    headers?: Record<string, string>,
  ): Promise<MessageShape<M['output']>>;
  /** As {@link answer}, in bytes, for methods that no descriptor is at hand for: `/package.Service/Method`. */
  bytes(path: string, request: Uint8Array): Promise<Uint8Array>;
}

/** @param address `host:port` */
export function grpcClient(address: string, options: ChannelOptions = {}): GrpcClient {
  const client = new Client(address, credentials.createInsecure(), options);
  const send = (path: string, request: Uint8Array, metadata: Metadata, timeoutMs: number) =>
    new Promise<Buffer>((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        (bytes: Uint8Array) => Buffer.from(bytes),
        (bytes: Buffer) => bytes,
        request,
        metadata,
        { deadline: Date.now() + timeoutMs },
        (error, answer) => (error ? reject(error) : resolve(answer as Buffer)),
      );
    });
  return {
    async refusal(method, request, { headers = {}, timeoutMs = 10_000 } = {}) {
      const bytes = request instanceof Uint8Array ? request : toBinary(method.input, request);
      const outcome = await send(pathOf(method), bytes, metadataOf(headers), timeoutMs).catch(
        refusalOf,
      );
      if (outcome instanceof Uint8Array) throw new Error(`${method} answered`);
      return outcome;
    },
    async answer(method, request, headers = {}) {
      const bytes = toBinary(method.input, request);
      const answer = await send(pathOf(method), bytes, metadataOf(headers), 10_000);
      return fromBinary(method.output as (typeof method)['output'], answer);
    },
    bytes: (path, request) => send(path, request, new Metadata(), 10_000),
    [Symbol.dispose]: () => client.close(),
  };
}

function metadataOf(headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}

function refusalOf(error: ServiceError): GrpcRefusal {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  const { details } = bytes ? fromBinary(StatusSchema, bytes as Buffer) : { details: [] };
  const info = details.map((any) => anyUnpack(any, ErrorInfoSchema)).find(Boolean);
  const bad = details.map((any) => anyUnpack(any, BadRequestSchema)).find(Boolean);
  const retry = details.map((any) => anyUnpack(any, RetryInfoSchema)).find(Boolean);
  return {
    code: nameOf(error.code),
    message: error.details,
    reason: info?.reason,
    domain: info?.domain,
    metadata: info?.metadata ?? {},
    fields: bad?.fieldViolations.map(({ field }) => field) ?? [],
    retryAfter: retry?.retryDelay && Number(retry.retryDelay.seconds),
  };
}

function nameOf(code: number): CodeName {
  const [name] = Object.entries(Code).find(([, number]) => number === code) ?? ['UNKNOWN'];
  return name as CodeName;
}

function pathOf({ parent, name }: DescMethodUnary): string {
  return `/${parent.typeName}/${name}`;
}
