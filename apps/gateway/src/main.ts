// The edge: REST, Connect and gRPC-Web outside, gRPC inside. Owns nothing.
import { setTimeout as delay } from 'node:timers/promises';
import { identifyAs, issuerPolicy, openVerifier } from '@ordermesh/auth';
import {
  CustomerService,
  OrderCommandService,
  OrderHistoryService,
  OrderQueryService,
} from '@ordermesh/contract';
import { chosenLimits, limitsRoute, openRateLimits } from '@ordermesh/rate-limit';
import { breakerRoutes, loadShedder, policy } from '@ordermesh/resilience';
import { connect, openTransport } from '@ordermesh/rpc';
import { runProcess, serveAdmin } from '@ordermesh/service';
import { logger } from '@ordermesh/telemetry';
import { readConfig } from './config.ts';
import { exposedMethods, exposedServices } from './exposed.ts';
import { forwarder } from './forward.ts';
import { peer } from './peer.ts';
import { serveEdge } from './serve-edge.ts';

await runProcess('gateway', async (life) => {
  const config = readConfig();
  const { host, requestTimeoutMs, auth } = config;
  const identify = auth && identifyAs('gateway', auth.tokenKey);
  using transport = await openTransport('gateway', config);
  const channel = (to: 'command' | 'query' | 'customer') =>
    connect({
      address: config[`${to}Address`],
      transport: transport.to(to),
      serviceName: 'ordermesh-gateway',
      defaultTimeoutMs: requestTimeoutMs,
      identify,
    });

  await using command = channel('command');
  await using query = channel('query');
  await using customer = channel('customer');

  const peers = {
    command: peer('command', command, requestTimeoutMs),
    query: peer('query', query, requestTimeoutMs),
    customer: peer('customer', customer, requestTimeoutMs),
  };
  using shedder = loadShedder({ maxConcurrent: config.maxConcurrentRequests });
  await using limits = openRateLimits('gateway', chosenLimits(config, auth !== undefined));
  const issuer = policy(issuerPolicy);
  const verifier = auth && openVerifier(auth, issuer.execute);
  const guards = [...Object.values(peers).map((one) => one.policy), ...(auth ? [issuer] : [])];

  await using _admin = await serveAdmin({
    host,
    port: config.adminPort,
    portVariable: 'GATEWAY_ADMIN_PORT',
    life,
    // Not the customer service: orders go on without it, and its outage would take every gateway out of its balancer.
    checks: { command: command.ready, query: query.ready },
    routes: [limitsRoute(limits), ...breakerRoutes(guards)],
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
      beforeDrain: () => delay(config.drainDelayMs),
      requestTimeoutMs,
      limits,
      verifier,
      trustedProxyCount: config.trustedProxyCount,
    }),
  );

  life.ready();
  logger('gateway').info({ port: edge.port }, 'ready');
  await life.stopping;
});
