import {
  ConfigError,
  type Environment,
  host,
  port,
  readSettings,
  type Settings,
  text,
} from '@ordermesh/service';

const settings = {
  host,
  port: port('ISSUER_PORT', { doc: 'Port of keys and tokens.', default: 8090 }),
  adminPort: port('ISSUER_ADMIN_PORT', { doc: 'Port of health and metrics.', default: 9465 }),
  issuer: text('AUTH_ISSUER', {
    doc: 'What the tokens name as their issuer.',
    default: 'http://127.0.0.1:8090',
  }),
  audience: text('AUTH_AUDIENCE', { doc: 'For whom the tokens are.', default: 'ordermesh' }),
};

const environmentSettings = {
  nodeEnv: text('NODE_ENV', { doc: 'Must not be production.', optional: true }),
};

/** Everything that the issuer can be told. */
export type IssuerConfig = Settings<typeof settings>;

/** Reads it. @throws ConfigError, in production whatever else is set */
export function readConfig(env: Environment = process.env): IssuerConfig {
  if (readSettings(env, environmentSettings).nodeEnv === 'production')
    throw new ConfigError([
      'NODE_ENV is "production", and this issuer gives anybody any token: set AUTH_ISSUER, AUTH_AUDIENCE and AUTH_JWKS_URL of the services to a real one',
    ]);
  return readSettings(env, settings);
}
