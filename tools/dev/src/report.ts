import type { DevConfig } from './config.ts';

/** What `npm start` says once the mesh answers: where it is and a request to paste. */
export function startReport(
  config: DevConfig,
  env: Readonly<Record<string, string | undefined>>,
  tookMs: number,
): string[] {
  const { urlHost: host } = config;
  const gateway = `http://${host}:${config.gatewayPort}`;
  const customerId = '7b0f1c9e-53a5-4c8e-9c55-0f6f4b0a7d11';
  const order = JSON.stringify({
    customerId,
    items: [
      {
        productId: '0d9c8e42-6f1b-4a57-8a3e-2f5f0c1d7e64',
        productName: 'Green tea',
        quantity: 2,
        unitPrice: { currencyCode: 'USD', minorUnits: '1250' },
      },
    ],
    shippingAddress: {
      recipient: 'Ada Lovelace',
      line1: '12 St James’s Square',
      city: 'London',
      postalCode: 'SW1Y 4JH',
      countryCode: 'GB',
    },
  });
  const token = config.auth === 'jwt' ? '-H "authorization: Bearer $TOKEN" ' : '';
  return [
    '',
    `ordermesh answers on ${gateway} (started in ${(tookMs / 1000).toFixed(1)} s)`,
    '',
    `  gRPC      command ${host}:${config.commandPort}   query ${host}:${config.queryPort}   customer ${host}:${config.customerPort}`,
    `  admin     http://${host}:${config.gatewayAdminPort}/readyz and /metrics; command ${config.commandAdminPort}, query ${config.queryAdminPort}, projector ${config.projectorAdminPort}, customer ${config.customerAdminPort}`,
    ...engineLines(env),
    `  data      ${config.dataDir}`,
    `  auth      ${authLine(config)}`,
    '',
    ...tokenLines(config, customerId),
    `  curl -s ${token}-H "content-type: application/json" -d \\`,
    `    '${order}' ${gateway}/v1/orders`,
    `  curl -s ${token}${gateway}/v1/orders`,
    '',
    '  Ctrl-C stops everything.',
    '',
  ];
}

function authLine({ auth, ownIssuer, issuer }: DevConfig): string {
  if (auth === 'off')
    return 'off: whoever is on this machine may do everything (AUTH=jwt npm start asks for tokens)';
  return ownIssuer
    ? `jwt, with a development issuer on ${ownIssuer}: it gives anybody any token`
    : `jwt, with tokens of ${issuer}`;
}

/** How to get a token, for the customer of the order below. */
function tokenLines({ ownIssuer }: DevConfig, customerId: string): string[] {
  if (ownIssuer === undefined) return [];
  return [`  TOKEN=$(curl -s -d sub=${customerId} ${ownIssuer}/token | cut -d'"' -f4)`];
}

const ENGINES = [
  ['database', 'DATABASE_URL'],
  ['Kafka', 'KAFKA_BROKERS'],
  ['search', 'ELASTICSEARCH_URL'],
  ['cache', 'REDIS_URL'],
] as const;

function engineLines(env: Readonly<Record<string, string | undefined>>): string[] {
  return ENGINES.flatMap(([what, variable]) => {
    const address = env[variable];
    return address ? `  ${what.padEnd(8)}  ${withoutPassword(address)}` : [];
  });
}

/** An address that is no URL, as brokers are, has none. */
function withoutPassword(address: string): string {
  if (!address.includes('://')) return address;
  const url = new URL(address);
  if (url.password !== '') url.password = '***';
  return url.href;
}
