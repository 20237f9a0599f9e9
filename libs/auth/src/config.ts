import {
  auth,
  type Environment,
  readSettings,
  type Settings,
  text,
  tokenKey,
  url,
} from '@ordermesh/service';

const meshSettings = { tokenKey };

const tokenSettings = {
  ...meshSettings,
  issuer: text('AUTH_ISSUER', { doc: 'Who issues the tokens of users, as their iss says.' }),
  audience: text('AUTH_AUDIENCE', { doc: 'For whom they have to be, as their aud says.' }),
  jwksUrl: url('AUTH_JWKS_URL', {
    doc: 'Where the issuer publishes its keys.',
    schemes: ['https', 'http'],
  }),
};

/** What a process needs that lets users in. */
export type AuthConfig = Settings<typeof tokenSettings>;

/** Reads it. @returns undefined with AUTH=off @throws ConfigError naming each setting that AUTH=jwt lacks */
export function readAuth(env: Environment): AuthConfig | undefined {
  return isOff(env) ? undefined : readSettings(env, tokenSettings);
}

/** Reads what a process needs that only calls others. @returns undefined with AUTH=off @throws ConfigError */
export function readMeshAuth(env: Environment): Settings<typeof meshSettings> | undefined {
  return isOff(env) ? undefined : readSettings(env, meshSettings);
}

const isOff = (env: Environment) => readSettings(env, { auth }).auth === 'off';
