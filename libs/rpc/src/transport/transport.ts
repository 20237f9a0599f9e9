import {
  type ChannelCredentials,
  type ChannelOptions,
  credentials,
  experimental,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';
import { type CertificateFiles, certificateFiles, readCertificates } from './certificate-files.ts';
import { type WatchOptions, watchCertificates } from './certificate-watch.ts';
import { identityOf, type MeshProcess } from './identity.ts';

/** How a channel reaches its peer. */
export interface PeerTransport {
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
}

/** How the gRPC connections of a process are made: plaintext, or mutual TLS. Disposal ends the watch of the certificate files. */
export interface Transport extends Disposable {
  readonly server: ServerCredentials;
  /** For a channel to a process; with TLS, only a peer whose certificate was issued to that very process is spoken to. */
  to(peer: MeshProcess): PeerTransport;
}

/** What speaks with anybody, and in the clear. */
export const plaintext: Transport = {
  server: ServerCredentials.createInsecure(),
  to: () => ({ credentials: credentials.createInsecure(), options: {} }),
  [Symbol.dispose]: () => undefined,
};

/**
 * The transport of `process`: mutual TLS when the files are set, on every gRPC server and channel that is given it, else {@link plaintext}.
 * Replaced files are used for connections from then on, without a restart; older connections end by the server's connection age. A server
 * refuses clients in the clear, those without a certificate of `TLS_CA_FILE`'s authorities, and certificates without an identity of the mesh.
 *
 * The one user of grpc-js's experimental certificate providers.
 * @throws ConfigError when only some files are set, or when they cannot be used: unreadable, malformed, not fitting, expired, of another process
 */
export async function openTransport(
  process: MeshProcess,
  settings: Readonly<Record<keyof CertificateFiles, string | undefined>>,
  options?: WatchOptions,
): Promise<Transport> {
  const files = certificateFiles(settings);
  if (files === undefined) return plaintext;
  const read = () => readCertificates(files, process);
  const watch = watchCertificates(await read(), read, options);
  const { provider } = watch;
  return {
    server: experimental.createServerCredentialsWithInterceptors(
      experimental.createCertificateProviderServerCredentials(provider, provider, true),
      [refuseStrangers],
    ),
    to: (peer) => ({
      credentials: experimental.createCertificateProviderChannelCredentials(provider, provider, {
        checkServerIdentity: (_name, { subjectaltname }) =>
          identityOf(subjectaltname) === peer
            ? undefined
            : new Error(`the peer is ${subjectaltname ?? 'nobody'}, not the ${peer} service`),
      }),
      // Else the name asked for would be that of the address, and Node warns when that is an IP address.
      options: { 'grpc.ssl_target_name_override': peer },
    }),
    [Symbol.dispose]: watch[Symbol.dispose],
  };
}

/** The same authorities may issue certificates to others than the mesh. */
const refuseStrangers: ServerInterceptor = (_method, call) => {
  if (identityOf(call.getAuthContext().sslPeerCertificate?.subjectaltname) !== undefined)
    return new ServerInterceptingCall(call);
  return new ServerInterceptingCall(call, {
    start: () =>
      call.sendStatus({
        code: status.UNAUTHENTICATED,
        details: 'The client certificate names no process of the mesh.',
      }),
  });
};
