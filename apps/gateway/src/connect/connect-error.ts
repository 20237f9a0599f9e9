import { ConnectError } from '@connectrpc/connect';
import { Code, type ReasonError } from '@ordermesh/contract';
import { errorDetails } from '@ordermesh/rpc';

/** An error as Connect and gRPC-Web send it, with the same google.rpc details as inside the mesh. The code's numbers are gRPC's in both. */
export function toConnectError(error: ReasonError): ConnectError {
  const connectError = new ConnectError(error.message, Code[error.code] as number);
  connectError.details = errorDetails(error).map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf('/') + 1),
    value,
  }));
  return connectError;
}
