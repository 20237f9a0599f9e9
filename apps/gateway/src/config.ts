import { type AuthConfig, readAuth } from '@ordermesh/auth';
import { rateLimitSettings } from '@ordermesh/rate-limit';
import { grpcTarget } from '@ordermesh/rpc';
import {
  ConfigError,
  durationMs,
  type Environment,
  host,
  int,
  maxConcurrentRequests,
  port,
  readProcessSettings,
  readSettings,
  type Settings,
  tlsFiles,
} from '@ordermesh/service';

/** The gateway's settings. */
export const gatewaySettings = {
  ...rateLimitSettings,
  ...tlsFiles,
  host,
  maxConcurrentRequests,
  port: port('GATEWAY_PORT', { doc: 'Port of the HTTP edge.', default: 8080 }),
  adminPort: port('GATEWAY_ADMIN_PORT', {
    doc: 'Port of /livez, /readyz and /metrics.',
    default: 9460,
  }),
  commandAddress: grpcTarget('COMMAND_ADDRESS', {
    doc: 'gRPC target of the command service.',
    default: '127.0.0.1:50051',
  }),
  queryAddress: grpcTarget('QUERY_ADDRESS', {
    doc: 'gRPC target of the query service.',
    default: '127.0.0.1:50052',
  }),
  customerAddress: grpcTarget('CUSTOMER_ADDRESS', {
    doc: 'gRPC target of the customer service.',
    default: '127.0.0.1:50053',
  }),
  trustedProxyCount: int('TRUSTED_PROXY_COUNT', {
    doc: 'Proxies in front of this process that add to X-Forwarded-For.',
    default: 0,
    max: 16,
  }),
  drainDelayMs: durationMs('DRAIN_DELAY', {
    doc: 'How long a gateway that was told to end goes on accepting, while /readyz says 503: as long as balancers need to notice. Part of DRAIN_TIMEOUT.',
    default: 0,
  }),
  requestTimeoutMs: durationMs('REQUEST_TIMEOUT_MS', {
    doc: 'Deadline of requests that name none, and the most that a request can ask for.',
    default: 2000,
    min: 1,
  }),
};

/** What they were read as. */
type GatewayConfig = Settings<typeof gatewaySettings> & {
  /** Undefined with AUTH=off. */
  readonly auth: AuthConfig | undefined;
};

/** Reads them. TRUST_INBOUND_TRACEPARENT is read by telemetry, which has to know it first. @throws ConfigError */
export function readConfig(env: Environment = process.env): GatewayConfig {
  const settings = readSettings(env, gatewaySettings);
  const { drainTimeoutMs } = readProcessSettings(env);
  if (settings.drainDelayMs >= drainTimeoutMs)
    throw new ConfigError([
      `DRAIN_DELAY is ${settings.drainDelayMs} ms; it is part of DRAIN_TIMEOUT (${drainTimeoutMs} ms) and must be shorter`,
    ]);
  return { ...settings, auth: readAuth(env) };
}
