import { custom, int, oneOf, type Setting, text, url } from './setting.ts';

// What several processes of one mesh are told alike.

/** Where a process listens. */
export const host = text('HOST', { doc: 'Address to listen on.', default: '127.0.0.1' });

/** How callers are authenticated: `off` lets everybody do everything, and is for loopback only. */
export const auth = oneOf('AUTH', ['off', 'jwt'], {
  doc: 'How callers are authenticated; off only on loopback, where nobody else gets.',
  default: 'off',
});

/** True for an address that only this machine reaches. */
export function isLoopback(address: string): boolean {
  return /^(127(\.\d{1,3}){3}|::1|localhost)$/.test(address);
}

const schemes = ['postgres', 'postgresql'] as const;

const server = url('DATABASE_URL', { doc: 'The PostgreSQL server.', schemes, optional: true });

/** URL of a database: `<NAME>_DATABASE_URL`, without it `ordermesh_<name>` on the server of `DATABASE_URL`. One of the two is required. */
export function database(name: string): Setting<string> {
  const own = url(`${name.toUpperCase()}_DATABASE_URL`, {
    doc: `The database itself, instead of ordermesh_${name} on DATABASE_URL.`,
    schemes,
  });
  const derive = (serverUrl: string) => {
    const derived = new URL(serverUrl);
    derived.pathname = `/ordermesh_${name}`;
    return derived.href;
  };
  return { ...own, derivedFrom: { setting: server, derive } };
}

/** A role that may create databases and tables. */
export const migrationDatabaseUrl = url('MIGRATION_DATABASE_URL', {
  doc: 'The server, as a role that may create databases and tables; without it the schema is waited for.',
  schemes,
  optional: true,
});

/** What `main.ts migrate` is told: the database, and the role that may make it and its tables, which it cannot do without. */
export const migrationSettings = (name: string) => ({
  url: database(name),
  migrationUrl: url('MIGRATION_DATABASE_URL', {
    doc: 'The server, as a role that may create databases and tables.',
    schemes,
  }),
});

/** URL of a Redis, optional. The client would take any path for a database, and fail with each command. */
export function redis(variable: string, doc: string): Setting<string | undefined> {
  return custom(variable, {
    doc,
    optional: true,
    secret: true,
    expects:
      'a URL that starts with redis:// or rediss://, with nothing but the number of a database as its path',
    parse: (value): string | undefined => {
      const parsed = /^rediss?:\/\/[^/]/.test(value) ? URL.parse(value) : null;
      return parsed && /^(\/\d{0,5})?$/.test(parsed.pathname) ? value : undefined;
    },
  });
}

/** The Redis of everything that uses one and is told of no other. */
export const redisUrl = redis(
  'REDIS_URL',
  'Redis: caches views, counts requests, and is the bus when BUS is redis. Default: no cache, and each process counts alone.',
);

/** How many partitions the bus has. */
export const partitions = int('PARTITIONS', {
  doc: 'Partitions of the bus, fixed with the log.',
  default: 12,
  min: 1,
  max: 1024,
});

/** The key that page tokens are signed with. */
export const tokenKey = custom('TOKEN_KEY', {
  doc: 'Signs page tokens and the tokens of processes; the same in all of them.',
  secret: true,
  expects: 'a text of at least 16 bytes',
  parse: (value) => {
    const key = Buffer.from(value);
    return key.length >= 16 ? key : undefined;
  },
});

/** The certificate of a process, for mutual TLS on its gRPC connections: all three files or none. They may be replaced while it runs. */
export const tlsFiles = {
  tlsCaFile: text('TLS_CA_FILE', {
    doc: 'PEM file with the authorities that issue the certificates of the mesh. Default: gRPC in the clear.',
    optional: true,
  }),
  tlsCertFile: text('TLS_CERT_FILE', {
    doc: 'PEM file with the certificate of this process, and those between it and the authority.',
    optional: true,
  }),
  tlsKeyFile: text('TLS_KEY_FILE', {
    doc: 'PEM file with the private key that fits the certificate.',
    optional: true,
  }),
};

/** How much a process takes on at once. */
export const maxConcurrentRequests = int('MAX_CONCURRENT_REQUESTS', {
  doc: 'Most requests at work at once; the last tenth is kept for pay, ship and deliver, lists and searches fill seven tenths.',
  default: 1_000,
  min: 1,
});
