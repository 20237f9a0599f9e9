// For development: gives anybody any token, so that whatever needs one can be tried. Refuses to start in production.
import { runProcess, serveAdmin } from '@ordermesh/service';
import { logger } from '@ordermesh/telemetry';
import { readConfig } from './config.ts';
import { serveIssuer } from './serve-issuer.ts';

await runProcess('issuer', async (life) => {
  const config = readConfig();
  const { host, adminPort } = config;
  const portVariable = 'ISSUER_ADMIN_PORT';
  await using _admin = await serveAdmin({ host, port: adminPort, portVariable, life });
  await using issuer = life.named('issuer', await serveIssuer(config));
  life.ready();
  logger('issuer').info({ host, port: issuer.port }, 'ready');
  await life.stopping;
});
