import { pageTokens } from '@ordermesh/contract';
import { prepareDatabase } from '@ordermesh/postgres';
import { admitCalls, chosenLimits, limitsRoute, openRateLimits } from '@ordermesh/rate-limit';
import {
  postgresViewMigrations,
  postgresViewNotifier,
  postgresViewReader,
} from '@ordermesh/read-model';
import { importanceOf, loadShedder } from '@ordermesh/resilience';
import { serveRpc } from '@ordermesh/rpc';
import { runProcess, serveAdmin } from '@ordermesh/service';
import { logger } from '@ordermesh/telemetry';
import { readConfig } from './config.ts';
import { elasticsearchStore } from './elasticsearch-store.ts';
import { postgresqlStore } from './postgresql-store.ts';
import { queryService } from './query-service.ts';
import { redisReadCache } from './read-cache.ts';
import type { ViewStore, Views } from './views.ts';

await runProcess('query', async (life) => {
  const config = readConfig();
  const log = logger('query');
  const { host, partitions, viewUrl: url, migrationDatabaseUrl: migrationUrl } = config;
  const onError = (err: unknown) => log.warn({ err }, 'connection to the views lost; healing');

  const reader = postgresViewReader({ url, max: 20, name: 'ordermesh-query', onError });
  await using _reader = life.named('views', reader);
  await using limits = openRateLimits('query', chosenLimits(config));
  await using admin = await serveAdmin({
    host,
    port: config.adminPort,
    portVariable: 'QUERY_ADMIN_PORT',
    life,
    routes: [limitsRoute(limits)],
    checks: { views: async (signal) => void (await reader.checkpoint(0, signal)) },
  });
  life.named('admin', admin);

  await prepareDatabase({ url, migrationUrl, ...postgresViewMigrations }, life.signal);
  await using notifier = postgresViewNotifier({ url, reader, onError });
  life.named('notifier', notifier);

  await using elasticsearch = elasticsearchStore(config.elasticsearchUrl, url, onError);

  await using cache = await redisReadCache(
    config.redisUrl,
    url,
    config.readCacheFreshMs,
    (err: unknown) => log.warn({ err }, 'Redis is away; views are read without the cache'),
  );
  const postgresql: ViewStore =
    (elasticsearch ?? cache)
      ? postgresqlStore(reader, notifier)
      : { name: 'postgresql', reader, notifier };
  const tokens = pageTokens(config.tokenKey);
  const { minVersionWaitMs } = config;
  using shedder = loadShedder({ maxConcurrent: config.maxConcurrentRequests });
  const admitted = admitCalls(limits);
  const views: Views = { postgresql, elasticsearch, cache, tokens, partitions, minVersionWaitMs };
  await using server = await serveRpc({
    host,
    port: config.port,
    portVariable: 'QUERY_PORT',
    services: [queryService(views)],
    requestTimeoutMs: config.requestTimeoutMs,
    reflection: config.reflection,
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
