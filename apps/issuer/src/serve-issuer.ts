import type { AddressInfo } from 'node:net';
import { listenError } from '@ordermesh/service';
import fastify, { type FastifyReply } from 'fastify';
import type { IssuerConfig } from './config.ts';
import { createSigner, lifetimeS, scopes } from './signer.ts';
import { readTokenRequest } from './token-request.ts';

/** The listening issuer. Disposal closes it at once. */
export interface Issuer extends AsyncDisposable {
  /** The port it really listens on. */
  readonly port: number;
}

const bodyLimit = 16 * 1024;

/**
 * Serves, with keys made now, `GET /.well-known/jwks.json`, `GET /.well-known/openid-configuration`, and `POST /token`, which gives anybody any token. Errors of `/token` are
 * OAuth 2's.
 * @throws ListenError when the address can't be had
 */
export async function serveIssuer(
  config: Pick<IssuerConfig, 'host' | 'port' | 'issuer' | 'audience'>,
): Promise<Issuer> {
  const { host, port, issuer, audience } = config;
  const signer = await createSigner(issuer, audience);
  const app = fastify({ bodyLimit, requestTimeout: 5_000, forceCloseConnections: true });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));

  app.get('/.well-known/jwks.json', async () => signer.jwks);
  app.get('/.well-known/openid-configuration', async () => ({
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    token_endpoint: `${issuer}/token`,
    scopes_supported: scopes,
    response_types_supported: ['token'],
    id_token_signing_alg_values_supported: ['ES256'],
    subject_types_supported: ['public'],
  }));
  app.post('/token', async ({ body, headers }, reply): Promise<FastifyReply> => {
    reply.header('cache-control', 'no-store');
    const request = readTokenRequest(String(body ?? ''), headers['content-type']);
    if ('error' in request) return reply.code(400).send(request);
    const { subject, scope } = request;
    const access_token = await signer.sign(subject, scope);
    return reply.send({ access_token, token_type: 'Bearer', expires_in: lifetimeS, scope });
  });

  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    throw listenError(error, { host, port, portVariable: 'ISSUER_PORT' });
  }
  return {
    port: (app.server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => void (await app.close()),
  };
}
