import {
  type DescFile,
  type DescMethodUnary,
  type DescService,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import {
  type MethodDefinition,
  Server,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { listenError } from '@ordermesh/service';
import { HealthImplementation } from 'grpc-health-check';
import type { Implementation } from './implement.ts';
import { plaintext, type Transport } from './transport/transport.ts';
import { type Access, type Admit, unaryHandler } from './unary-handler.ts';

/** Options of {@link serveRpc}. */
export interface ServeOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** The variable that `port` came from, for the message when it is taken. */
  readonly portVariable: string;
  readonly services: readonly Implementation[];
  /** Who may connect, and how. Default: anybody, in the clear. */
  readonly transport?: Transport;
  /** Deadline of calls that come without one, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** Whether to serve gRPC reflection. */
  readonly reflection: boolean;
  /** Who calls and whether they may. Everybody may everything by default. */
  readonly access?: Access | undefined;
  /** Asked before each call is decoded; what it throws is the answer. Everybody is admitted by default. */
  readonly admit?: Admit;
  /**
   * After how long a connection is ended, its running calls first; default 120,000 ms, give or take 10 %. Only then a client looks its target up again and so finds
   * new instances, and only then a replaced certificate counts for it.
   */
  readonly connectionAgeMs?: number;
  /** How long running calls may take to end on disposal before they are cut; default 5,000 ms. */
  readonly drainMs?: number;
}

/** A listening gRPC server. Disposal: health goes NOT_SERVING, running calls end, new ones are refused. */
export interface RpcServer extends AsyncDisposable {
  readonly port: number;
  /** What the health service says of `""`, `readiness` and every service; `liveness` is always SERVING. Starts NOT_SERVING. */
  setServing(serving: boolean): void;
}

/**
 * Serves over grpc-js, with health and reflection beside the services.
 * @throws ListenError when the address cannot be had
 */
export async function serveRpc(options: ServeOptions): Promise<RpcServer> {
  const server = new Server({
    // Twice what the gateway takes, whose JSON may grow a little on its way. A larger request is refused with RESOURCE_EXHAUSTED.
    'grpc.max_receive_message_length': 512 * 1024,
    'grpc.max_concurrent_streams': 1000,
    'grpc.max_connection_age_ms': options.connectionAgeMs ?? 120_000,
    'grpc.max_connection_age_grace_ms': 10_000,
  });
  for (const { service, handlers } of options.services) {
    const wrapped: UntypedServiceImplementation = {};
    for (const method of unaryMethods(service)) {
      const handle = handlers[method.localName];
      if (!handle) throw new Error(`${service.typeName}.${method.name} has no handler`);
      wrapped[method.localName] = unaryHandler(method, handle, options);
    }
    server.addService(definitionOf(service), wrapped);
  }
  const health = new HealthImplementation({ liveness: 'SERVING' });
  health.addToServer(server);
  const names = ['', 'readiness', ...options.services.map(({ service }) => service.typeName)];
  const setServing = (serving: boolean) => {
    for (const name of names) health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
  };
  setServing(false);
  if (options.reflection) reflect(server, options.services);
  const port = await bind(server, options);
  return {
    port,
    setServing,
    async [Symbol.asyncDispose]() {
      setServing(false);
      await drain(server, options.drainMs ?? 5_000);
    },
  };
}

function unaryMethods(service: DescService): DescMethodUnary[] {
  return service.methods.filter(
    (method): method is DescMethodUnary => method.methodKind === 'unary',
  );
}

/** grpc-js's own form of a service. Messages stay bytes here: see unaryHandler. */
function definitionOf(service: DescService): ServiceDefinition {
  const bytes = (value: Buffer) => value;
  const entries = unaryMethods(service).map(
    (method): [string, MethodDefinition<Buffer, Buffer>] => [
      method.localName,
      {
        path: `/${service.typeName}/${method.name}`,
        originalName: method.name,
        requestStream: false,
        responseStream: false,
        requestSerialize: bytes,
        requestDeserialize: bytes,
        responseSerialize: bytes,
        responseDeserialize: bytes,
      },
    ],
  );
  return Object.fromEntries(entries);
}

function reflect(server: Server, services: readonly Implementation[]): void {
  const files = new Map<string, DescFile>();
  const add = (file: DescFile) => {
    if (files.has(file.name)) return;
    files.set(file.name, file);
    file.dependencies.forEach(add);
  };
  for (const { service } of services) add(service.file);
  const fileDescriptorProtos = [...files.values()].map((file) =>
    Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)),
  );
  // The package asks for proto-loader's objects but reads nothing of them except this field.
  const definition = { all: { fileDescriptorProtos } } as never;
  const reflection = new ReflectionService(definition, {
    services: services.map(({ service }) => service.typeName),
  });
  reflection.addToServer(server);
}

async function bind(server: Server, options: ServeOptions): Promise<number> {
  const { host, port, transport = plaintext } = options;
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, transport.server, (error, bound) => {
      if (error) reject(listenError(error, options));
      else resolve(bound);
    });
  });
}

async function drain(server: Server, drainMs: number): Promise<void> {
  // tryShutdown waits for ever on a health watch, which is an open stream by design.
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, drainMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
