import { createRegistry } from '@bufbuild/protobuf';
import { type Client, createClient, type Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from '@connectrpc/connect-node';
import {
  CustomerService,
  eventSchemas,
  OrderCommandService,
  OrderHistoryService,
  OrderQueryService,
} from '@ordermesh/contract';
import type { Mesh } from './mesh.ts';

/** The public services over one protocol, as another company's client would call them. */
export interface Services extends Disposable {
  readonly command: Client<typeof OrderCommandService>;
  readonly history: Client<typeof OrderHistoryService>;
  readonly query: Client<typeof OrderQueryService>;
  readonly customer: Client<typeof CustomerService>;
}

/** The protocols; all but native gRPC, which is for inside, end at the gateway. */
export const protocols = ['Connect JSON', 'Connect binary', 'gRPC-Web', 'gRPC'] as const;

/** Opens clients of connect-node, which shares no code with the mesh's servers and clients of grpc-js. */
export function openServices(mesh: Mesh, protocol: (typeof protocols)[number]): Services {
  if (protocol === 'gRPC') return overGrpc(mesh);
  const options = { baseUrl: mesh.url, httpVersion: '1.1' } as const;
  const transport =
    protocol === 'gRPC-Web'
      ? createGrpcWebTransport(options)
      : createConnectTransport({
          ...options,
          useBinaryFormat: protocol === 'Connect binary',
          jsonOptions: { registry: createRegistry(...Object.values(eventSchemas)) }, // histories hold events as Any
        });
  const all = { command: transport, query: transport, customer: transport };
  return { ...clients(all), [Symbol.dispose]: () => undefined };
}

function overGrpc({ address }: Mesh): Services {
  const sessions: Http2SessionManager[] = [];
  const open = (target: string) => {
    const baseUrl = `http://${target}`;
    const sessionManager = new Http2SessionManager(baseUrl);
    sessions.push(sessionManager);
    return createGrpcTransport({ baseUrl, sessionManager });
  };
  const { command, query, customer } = address;
  return {
    ...clients({ command: open(command), query: open(query), customer: open(customer) }),
    [Symbol.dispose]() {
      for (const session of sessions) session.abort();
    },
  };
}

function clients(transports: Readonly<Record<'command' | 'query' | 'customer', Transport>>) {
  return {
    command: createClient(OrderCommandService, transports.command),
    history: createClient(OrderHistoryService, transports.command),
    query: createClient(OrderQueryService, transports.query),
    customer: createClient(CustomerService, transports.customer),
  };
}
