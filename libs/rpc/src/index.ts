// Serve and call protobuf-es services over grpc-js.
export { type CallOptions, type CallResult, callUnary } from './call.ts';
export { type CallContext, clientAddressHeader, type Identity } from './call-context.ts';
export { type ConnectOptions, connect, type RpcChannel } from './channel.ts';
export { grpcTarget, reflectionOn, rpcSettings } from './config.ts';
export { type Handlers, type Implementation, implement } from './implement.ts';
export { type RpcServer, type ServeOptions, serveRpc } from './serve.ts';
export { invalidRequest } from './shape.ts';
export { errorDetails, mayHaveArrived, toReasonError } from './status.ts';
export { openTransport, type PeerTransport, type Transport } from './transport/transport.ts';
export type { Access, Admit } from './unary-handler.ts';
