import type { DevConfig } from './config.ts';
import type { Program } from './program.ts';

/**
 * The five processes in the order of their start: each group starts at once, and the next only when all of
 * it is ready. The gateway comes last, so that its `/readyz` means that the mesh answers; a development issuer first,
 * so that its keys are there.
 */
export function meshPrograms(
  config: DevConfig,
  env: NodeJS.ProcessEnv,
  root: string,
): readonly (readonly Program[])[] {
  const program = (name: string, adminPort: number): Program => ({
    name,
    args: ['--import', './libs/telemetry/src/register.ts', `apps/${name}/src/main.ts`],
    cwd: root,
    env: {
      ORDERMESH_LOG: 'pretty',
      // The ports may have been moved: whoever moves one need not name it twice.
      COMMAND_ADDRESS: `${config.urlHost}:${config.commandPort}`,
      QUERY_ADDRESS: `${config.urlHost}:${config.queryPort}`,
      CUSTOMER_ADDRESS: `${config.urlHost}:${config.customerPort}`,
      ...env,
      ...issuerEnv(config, env),
      OTEL_SERVICE_NAME: `ordermesh-${name}`,
    },
    readyUrl: `http://${config.urlHost}:${adminPort}/readyz`,
    readyVariable: `${name.toUpperCase()}_ADMIN_PORT`,
  });
  return [
    ...(config.ownIssuer ? [[program('issuer', config.issuerAdminPort)]] : []),
    [
      program('command', config.commandAdminPort),
      program('customer', config.customerAdminPort),
      program('query', config.queryAdminPort),
      program('projector', config.projectorAdminPort),
    ],
    [program('gateway', config.gatewayAdminPort)],
  ];
}

/** What the processes are told of a development issuer. */
function issuerEnv({ ownIssuer }: DevConfig, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (ownIssuer === undefined) return {};
  return {
    AUTH_ISSUER: ownIssuer,
    AUTH_AUDIENCE: env.AUTH_AUDIENCE || 'ordermesh',
    AUTH_JWKS_URL: `${ownIssuer}/.well-known/jwks.json`,
  };
}
