// The edge: REST, Connect and gRPC-Web outside, gRPC inside. Owns nothing.
import {
  CustomerService,
  OrderCommandService,
  OrderHistoryService,
  OrderQueryService,
} from '@ordermesh/contract';
import { chosenLimits, limitsRoute, openRateLimits } from '@ordermesh/rate-limit';
import { breakerRoutes, loadShedder } from '@ordermesh/resilience';
import { connect } from '@ordermesh/rpc';
import { runProcess, serveAdmin } from '@ordermesh/service';
import { logger } from '@ordermesh/telemetry';
import { readConfig } from './config.ts';
import { exposedMethods, exposedServices } from './exposed.ts';
import { forwarder } from './forward.ts';
import { peer } from './peer.ts';
import { serveEdge } from './serve-edge.ts';

await runProcess('gateway', async (life) => {
  const config = readConfig();
  const { host, requestTimeoutMs } = config;
  const channel = (address: string) =>
    connect({ address, serviceName: 'ordermesh-gateway', defaultTimeoutMs: requestTimeoutMs });

  await using command = channel(config.commandAddress);
  await using query = channel(config.queryAddress);
  await using customer = channel(config.customerAddress);

  const peers = {
    command: peer('command', command, requestTimeoutMs),
    query: peer('query', query, requestTimeoutMs),
    customer: peer('customer', customer, requestTimeoutMs),
  };
  using shedder = loadShedder({ maxConcurrent: config.maxConcurrentRequests });
  await using limits = openRateLimits('gateway', chosenLimits(config));

  await using _admin = await serveAdmin({
    host,
    port: config.adminPort,
    portVariable: 'GATEWAY_ADMIN_PORT',
    life,
    checks: { command: command.ready, query: query.ready, customer: customer.ready },
    routes: [
      limitsRoute(limits),
      ...breakerRoutes(Object.values(peers).map(({ policy }) => policy)),
    ],
  });

  const methods = exposedMethods(exposedServices);
  const forward = forwarder(
    methods,
    new Map([
      [OrderCommandService.typeName, peers.command],
      [OrderHistoryService.typeName, peers.command],
      [OrderQueryService.typeName, peers.query],
      [CustomerService.typeName, peers.customer],
    ]),
    shedder,
  );
  await using edge = life.named(
    'HTTP edge',
    await serveEdge({
      host,
      port: config.port,
      methods,
      forward,
      requestTimeoutMs,
      limits,
      trustedProxyCount: config.trustedProxyCount,
    }),
  );

  life.ready();
  logger('gateway').info({ port: edge.port }, 'ready');
  await life.stopping;
});
