import { issuerPolicy, openAccess } from '@ordermesh/auth';
import { OrderLogService, pageTokens } from '@ordermesh/contract';
import {
  createEventStore,
  createReader,
  createWriter,
  logMigrations,
  openLog,
} from '@ordermesh/event-store-postgres';
import { kafkaPublisher, type Publisher, redisPublisher } from '@ordermesh/messaging';
import { prepareDatabase, query } from '@ordermesh/postgres';
import { admitCalls, chosenLimits, limitsRoute, openRateLimits } from '@ordermesh/rate-limit';
import { importanceOf, loadShedder, policy } from '@ordermesh/resilience';
import { openTransport, serveRpc } from '@ordermesh/rpc';
import { isMigration, runProcess, serveAdmin } from '@ordermesh/service';
import { logger } from '@ordermesh/telemetry';
import { commandService } from './command-service.ts';
import { readConfig } from './config.ts';
import { forgetOnConnect } from './forget-on-connect.ts';
import { historyService } from './history-service.ts';
import { logService } from './log-service.ts';
import { migrateLog } from './migrate.ts';
import { orderAggregate } from './order-aggregate.ts';
import { purgeIdempotency } from './purge-idempotency.ts';
import { startRelay } from './relay/relay.ts';

await runProcess('command', async (life) => {
  if (isMigration()) return migrateLog(life.signal);
  const config = readConfig();
  const log = logger('command');
  using transport = await openTransport('command', config);
  const { host, partitions, bus, logUrl: url, migrationDatabaseUrl: migrationUrl } = config;

  const onError = (err: Error) => log.warn({ err }, 'connection to the log lost; healing');
  const pool = createReader({ url, max: 10, name: 'ordermesh-command', onError });
  await using _pool = life.named('event log', { [Symbol.asyncDispose]: () => pool.end() });
  const writer = createWriter({ url, name: 'ordermesh-command-writer', onError });
  await using _writer = life.named('log writer', { [Symbol.asyncDispose]: () => writer.end() });
  await using limits = openRateLimits('command', chosenLimits(config));
  let relayCheck: () => void = () => undefined;
  await using admin = await serveAdmin({
    host,
    port: config.adminPort,
    portVariable: 'COMMAND_ADMIN_PORT',
    life,
    routes: [limitsRoute(limits)],
    checks: {
      log: async (signal) => void (await query(pool, { text: 'SELECT 1' }, signal)),
      relay: () => relayCheck(),
    },
  });
  life.named('admin', admin);

  await prepareDatabase({ url, migrationUrl, directory: logMigrations }, life.signal);
  await openLog(pool, partitions, life.signal);
  const store = createEventStore({ pool, writer, partitions });
  await using purge = purgeIdempotency(store, config.idempotencyRetentionMs);
  life.named('idempotency purge', purge);

  // The embedded bus is the log itself; any other has to be filled.
  const relayTo = (publisher: Publisher) =>
    startRelay({ bus: bus.kind, publisher, store, logUrl: url, partitions });
  await using relay =
    bus.kind === 'kafka'
      ? relayTo(kafkaPublisher({ brokers: bus.brokers, partitions }))
      : bus.kind === 'redis'
        ? relayTo(redisPublisher({ url: bus.url, partitions }))
        : undefined;
  if (relay) {
    life.named('relay', relay);
    relayCheck = relay.check;
  }

  await using aggregate = orderAggregate({ ...config, store });
  life.named('snapshots', aggregate);
  forgetOnConnect([pool, writer], aggregate.cache);
  const tokens = pageTokens(config.tokenKey);
  using shedder = loadShedder({ maxConcurrent: config.maxConcurrentRequests });
  const access = config.auth && openAccess(config.auth, policy(issuerPolicy).execute);
  const admitted = admitCalls(limits, [OrderLogService.typeName]);
  await using server = await serveRpc({
    host,
    port: config.port,
    portVariable: 'COMMAND_PORT',
    transport,
    services: [
      commandService(aggregate),
      historyService(store, tokens),
      logService(store, partitions),
    ],
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
  await Promise.race([life.stopping, ...(relay ? [relay.failed] : [])]);
});
