import { isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import {
  auth,
  durationMs,
  type Environment,
  isLoopback,
  port,
  readSettings,
  type Settings,
  text,
  url,
} from '@ordermesh/service';

const devSettings = {
  host: text('HOST', { doc: 'Where the processes listen.', default: '127.0.0.1' }),
  dataDir: text('DATA_DIR', { doc: 'Where everything that lasts is kept.', default: '.data' }),
  databaseUrl: url('DATABASE_URL', {
    doc: 'The PostgreSQL server; unset: an embedded one.',
    schemes: ['postgres', 'postgresql'],
    optional: true,
  }),
  tokenKey: text('TOKEN_KEY', {
    doc: 'Signs page and consistency tokens; unset: made once under DATA_DIR.',
    secret: true,
    optional: true,
  }),
  drainTimeoutMs: durationMs('DRAIN_TIMEOUT', {
    doc: 'How long a process may take to stop.',
    default: 10_000,
  }),
  auth,
  issuer: text('AUTH_ISSUER', { doc: 'Who issues tokens.', optional: true }),
  jwksUrl: url('AUTH_JWKS_URL', {
    doc: 'Keys of the issuer. With AUTH=jwt and neither of the two a development issuer is started.',
    schemes: ['https', 'http'],
    optional: true,
  }),
  issuerPort: port('ISSUER_PORT', { doc: 'The development issuer.', default: 8090 }),
  issuerAdminPort: port('ISSUER_ADMIN_PORT', { doc: 'Admin HTTP.', default: 9465 }),
  gatewayPort: port('GATEWAY_PORT', { doc: 'HTTP.', default: 8080 }),
  commandPort: port('COMMAND_PORT', { doc: 'gRPC.', default: 50_051 }),
  queryPort: port('QUERY_PORT', { doc: 'gRPC.', default: 50_052 }),
  customerPort: port('CUSTOMER_PORT', { doc: 'gRPC.', default: 50_053 }),
  gatewayAdminPort: port('GATEWAY_ADMIN_PORT', { doc: 'Admin HTTP.', default: 9460 }),
  commandAdminPort: port('COMMAND_ADMIN_PORT', { doc: 'Admin HTTP.', default: 9461 }),
  queryAdminPort: port('QUERY_ADMIN_PORT', { doc: 'Admin HTTP.', default: 9462 }),
  projectorAdminPort: port('PROJECTOR_ADMIN_PORT', { doc: 'Admin HTTP.', default: 9463 }),
  customerAdminPort: port('CUSTOMER_ADMIN_PORT', { doc: 'Admin HTTP.', default: 9464 }),
};

/** What `npm start` reads itself; every other variable is only passed on to the processes. */
export type DevConfig = Settings<typeof devSettings> & {
  /** `host` as a client on this machine writes it in a URL. */
  readonly urlHost: string;
  /** The development issuer, which belongs to this mesh: its URL. Undefined where callers have no tokens, or those of another issuer. */
  readonly ownIssuer: string | undefined;
};

/** Reads it; `dataDir` comes out absolute. @throws ConfigError naming every fault. */
export function readDevConfig(env: Environment = process.env): DevConfig {
  const settings = readSettings(env, devSettings);
  const at = urlHost(settings.host);
  const { auth: mode, issuer, jwksUrl, host } = settings;
  // Beyond this machine a token that anybody can have would be none.
  const isOwn = mode === 'jwt' && !issuer && !jwksUrl && isLoopback(host);
  const ownIssuer = isOwn ? `http://${at}:${settings.issuerPort}` : undefined;
  return { ...settings, dataDir: resolve(settings.dataDir), urlHost: at, ownIssuer };
}

function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return isIPv6(host) ? `[${host}]` : host;
}
