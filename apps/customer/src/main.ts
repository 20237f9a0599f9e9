import { randomUUID } from 'node:crypto';
import { issuerPolicy, openAccess } from '@ordermesh/auth';
import { CustomerService } from '@ordermesh/contract';
import { importanceOf, loadShedder, policy } from '@ordermesh/resilience';
import { implement, openTransport, serveRpc } from '@ordermesh/rpc';
import { isMigration, type ReadinessCheck, runProcess, serveAdmin } from '@ordermesh/service';
import { logger } from '@ordermesh/telemetry';
import { readConfig } from './config.ts';
import { customerHandlers } from './customer-service.ts';
import { openCustomerStore } from './customer-store.ts';
import { faultSwitch, withFaults } from './faults.ts';
import { faultsRoutes } from './faults-routes.ts';
import { migrateCustomers } from './migrate.ts';

await runProcess('customer', async (life) => {
  if (isMigration()) return migrateCustomers(life.signal);
  const config = readConfig();
  const log = logger('customer');
  using transport = await openTransport('customer', config);
  const checks: Record<string, ReadinessCheck> = {};
  const faults = faultSwitch();
  await using admin = await serveAdmin({
    host: config.host,
    port: config.adminPort,
    portVariable: 'CUSTOMER_ADMIN_PORT',
    life,
    checks,
    routes: config.faults ? faultsRoutes(faults) : [],
  });
  await using store = life.named(
    'customer store',
    await openCustomerStore(
      {
        url: config.databaseUrl,
        migrationUrl: config.migrationDatabaseUrl,
        onError: (err) => log.warn({ err }, 'database connection lost'),
      },
      life.signal,
    ),
  );
  checks.database = (signal) => store.ping(signal);
  const handlers = customerHandlers(store, randomUUID);
  const access = config.auth && openAccess(config.auth, policy(issuerPolicy).execute);
  using shedder = loadShedder({ maxConcurrent: config.maxConcurrentRequests });
  await using rpc = life.named(
    'gRPC server',
    await serveRpc({
      host: config.host,
      port: config.port,
      portVariable: 'CUSTOMER_PORT',
      transport,
      services: [
        implement(
          CustomerService,
          config.faults ? withFaults(handlers, faults, Math.random) : handlers,
        ),
      ],
      requestTimeoutMs: config.requestTimeoutMs,
      reflection: config.reflection,
      access,
      admit: async ({ name }) => shedder.enter(importanceOf(name)),
    }),
  );
  rpc.setServing(true);
  life.ready();
  log.info({ host: config.host, port: rpc.port, adminPort: admin.port }, 'ready');
  await life.stopping;
});
