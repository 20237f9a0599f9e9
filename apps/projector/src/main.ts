import { identifyAs } from '@ordermesh/auth';
import { leaseMigrations } from '@ordermesh/messaging';
import { prepareDatabase } from '@ordermesh/postgres';
import {
  type OrderViewWriter,
  postgresProjection,
  postgresViewMigrations,
  postgresViewWriter,
} from '@ordermesh/read-model';
import { breakerRoutes, policy } from '@ordermesh/resilience';
import { connect, openTransport } from '@ordermesh/rpc';
import { isMigration, runProcess, serveAdmin } from '@ordermesh/service';
import { logger } from '@ordermesh/telemetry';
import { readConfig } from './config.ts';
import { customers } from './customers.ts';
import { elasticsearchView } from './elasticsearch-view.ts';
import { migrateViews } from './migrate.ts';
import { openBus } from './open-bus.ts';
import { projection } from './projection.ts';
import { readLogPointFrom, readStretchFrom } from './read-stretch.ts';
import { untilDiverged } from './until-diverged.ts';
import { withGauges } from './with-gauges.ts';
import { guardedRedis, redisCacheWrites, writeThrough } from './write-through.ts';

await runProcess('projector', async (life) => {
  if (isMigration()) return migrateViews(life.signal);
  const config = readConfig();
  const log = logger('projector');
  const { viewUrl: url, partitions, migrationDatabaseUrl: migrationUrl } = config;
  const identify = config.auth && identifyAs('projector', config.auth.tokenKey);
  using transport = await openTransport('projector', config);
  const channel = (to: 'command' | 'customer') =>
    connect({
      address: config[`${to}Address`],
      transport: transport.to(to),
      serviceName: 'ordermesh-projector',
      defaultTimeoutMs: 2_000,
      identify,
    });
  let owned: () => ReadonlySet<number> = () => new Set();
  const consumers = untilDiverged();
  // A lookup holds its partition's batch up for 300 ms at most, and only until the circuit opens.
  const customerPolicy = policy({
    name: 'customer',
    timeoutMs: 300,
    failureThreshold: 3,
    openMs: 2_000,
    maxConcurrent: 16,
  });
  const redis = config.redisUrl ? guardedRedis(config.redisUrl) : undefined;
  await using admin = await serveAdmin({
    host: config.host,
    port: config.adminPort,
    portVariable: 'PROJECTOR_ADMIN_PORT',
    life,
    checks: {
      partitions: () => {
        if (owned().size === 0) throw new Error('no partition is assigned to this process');
      },
      log: () => consumers.check(),
    },
    routes: breakerRoutes(redis ? [customerPolicy, redis.guard] : [customerPolicy]),
  });
  life.named('admin', admin);

  await prepareDatabase({ url, migrationUrl, ...postgresViewMigrations }, life.signal);
  await prepareDatabase({ url, migrationUrl, ...leaseMigrations }, life.signal);
  await using command = channel('command');
  await using customer = channel('customer');
  await using views = postgresViewWriter({
    url,
    max: 6,
    name: 'ordermesh-projector',
    onError: (err) => log.warn({ err }, 'connection to the views lost; healing'),
  });
  life.named('views', views);
  await using cache = await redisCacheWrites(redis, url);
  const cached = cache ? writeThrough(views, cache) : views;

  const bus = await openBus(config.bus, { viewUrl: url, partitions }, life.signal);
  const sources = {
    customers: customers(customer, customerPolicy),
    readStretch: readStretchFrom(command),
    readPoint: readLogPointFrom(command),
  };
  const project = (name: string, views: OrderViewWriter) =>
    consumers.start(async (onDiverged) => {
      const handler = projection({ name, views, ...sources, onDiverged });
      return withGauges(name, handler, await bus.consume({ group: name, handler }));
    });
  await using consumer = await project(postgresProjection, cached);
  life.named('consumer', consumer);
  owned = () => consumer.partitions();
  await using second = elasticsearchView(config.elasticsearchUrl, url, project);
  if (second) life.named('Elasticsearch projection', second);
  life.ready();
  log.info({ host: config.host, adminPort: admin.port }, 'ready');
  await Promise.race(second ? [life.stopping, second.failed] : [life.stopping]);
});
