import { issuerPolicy, openAccess } from '@ordermesh/auth';
import { pageTokens } from '@ordermesh/contract';
import { prepareDatabase } from '@ordermesh/postgres';
import { admitCalls, chosenLimits, limitsRoute, openRateLimits } from '@ordermesh/rate-limit';
import {
  postgresViewMigrations,
  postgresViewNotifier,
  postgresViewReader,
} from '@ordermesh/read-model';
import { breakerRoutes, importanceOf, loadShedder, policy } from '@ordermesh/resilience';
import { openTransport, serveRpc } from '@ordermesh/rpc';
import { runProcess, serveAdmin } from '@ordermesh/service';
import { logger } from '@ordermesh/telemetry';
import { readConfig } from './config.ts';
import { elasticsearchStore } from './elasticsearch-store.ts';
import { postgresqlStore } from './postgresql-store.ts';
import { queryService } from './query-service.ts';
import { redisReadCache } from './read-cache.ts';
import { storePolicies } from './store-policies.ts';
import type { Views } from './views.ts';

await runProcess('query', async (life) => {
  const config = readConfig();
  const log = logger('query');
  using transport = await openTransport('query', config);
  const { host, partitions, viewUrl: url, migrationDatabaseUrl: migrationUrl } = config;
  const onError = (err: unknown) => log.warn({ err }, 'connection to the views lost; healing');

  const reader = postgresViewReader({ url, max: 20, name: 'ordermesh-query', onError });
  await using _reader = life.named('views', reader);
  await using limits = openRateLimits('query', chosenLimits(config));
  const policies = storePolicies(config.elasticsearchUrl, config.redisUrl);
  const guards = [
    policies.postgresql,
    ...[policies.elasticsearch, policies.redis].flatMap((store) => store?.guard ?? []),
  ];
  await using admin = await serveAdmin({
    host,
    port: config.adminPort,
    portVariable: 'QUERY_ADMIN_PORT',
    life,
    routes: [limitsRoute(limits), ...breakerRoutes(guards)],
    checks: { views: async (signal) => void (await reader.checkpoint(0, signal)) },
  });
  life.named('admin', admin);

  await prepareDatabase({ url, migrationUrl, ...postgresViewMigrations }, life.signal);
  await using notifier = postgresViewNotifier({ url, reader, onError });
  life.named('notifier', notifier);

  await using elasticsearch = elasticsearchStore(policies.elasticsearch, url, onError);

  await using cache = await redisReadCache(
    policies.redis,
    url,
    config.readCacheFreshMs,
    (err: unknown) => log.warn({ err }, 'Redis is away; views are read without the cache'),
  );
  const postgresql = postgresqlStore(reader, notifier, policies.postgresql);
  const tokens = pageTokens(config.tokenKey);
  const { minVersionWaitMs } = config;
  using shedder = loadShedder({ maxConcurrent: config.maxConcurrentRequests });
  const access = config.auth && openAccess(config.auth, policy(issuerPolicy).execute);
  const admitted = admitCalls(limits);
  const views: Views = { postgresql, elasticsearch, cache, tokens, partitions, minVersionWaitMs };
  await using server = await serveRpc({
    host,
    port: config.port,
    portVariable: 'QUERY_PORT',
    transport,
    services: [queryService(views)],
    requestTimeoutMs: config.requestTimeoutMs,
    reflection: config.reflection,
    access,
    admit: async (method, call) => {
      await admitted(method, call);
      return shedder.enter(importanceOf(method.name));
    },
  });
  life.named('gRPC server', server);
  server.setServing(true);
  life.ready();
  log.info({ host, port: server.port, adminPort: admin.port }, 'ready');
  await life.stopping;
});
