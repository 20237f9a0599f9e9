import { randomBytes, randomUUID } from 'node:crypto';
import { eventually } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { orderRequest, rest } from './support/api.ts';
import { type Mesh, processes, startMesh } from './support/mesh.ts';
import {
  type OtlpReceiver,
  otlpReceiver,
  type ReceivedSpan,
  traceTree,
} from './support/otlp-receiver.ts';

let receiver: OtlpReceiver;
let mesh: Mesh;
beforeAll(async () => {
  receiver = await otlpReceiver();
  mesh = await startMesh({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    },
  });
});
afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  await receiver?.[Symbol.asyncDispose]();
});

/** The first span of a trace that a service made under a name and, if given, as `is` says. */
function find(
  traceId: string,
  service: string,
  name: RegExp,
  kind?: number,
  is: (span: ReceivedSpan) => boolean = () => true,
): ReceivedSpan {
  const found = receiver.spans.filter(
    (span) =>
      span.traceId === traceId &&
      span.service === `ordermesh-${service}` &&
      name.test(span.name) &&
      (kind === undefined || span.kind === kind) &&
      is(span),
  );
  if (found.length === 0)
    throw new Error(`no ${service} ${name} in:\n${traceTree(receiver.spans, traceId)}`);
  return found[0] as ReceivedSpan;
}

/** Of one projection: with Elasticsearch there are two. */
const ofGroup = (group: string) => (span: ReceivedSpan) =>
  span.attributes['messaging.consumer.group.name'] === group;
const below = (parent: ReceivedSpan) => (span: ReceivedSpan) => span.parentSpanId === parent.spanId;

const processing = /^process ordermesh\.order\.events\.v1$/;

const newTraceparent = () => {
  const traceId = randomBytes(16).toString('hex');
  return { traceId, traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01` };
};

/**
 * Places orders until the trace of one shows what is looked for. A projection reads a partition that it just got on from the log, outside every
 * order's trace, and shares looked-up customers with the other one: the order that met either has its spans elsewhere.
 */
const placedWithTrace = <T>(look: (order: PlacedOrder) => T) =>
  eventually(
    async () => {
      const { traceId, traceparent } = newTraceparent();
      const placed = await rest(mesh.url, 'POST', '/v1/orders', orderRequest(), { traceparent });
      const order = { traceId, traceparent, placed };
      return { ...order, ...(await eventually(() => look(order), { withinMs: 5_000 })) };
    },
    { withinMs: 60_000 },
  );

interface PlacedOrder {
  readonly traceId: string;
  readonly traceparent: string;
  readonly placed: Awaited<ReturnType<typeof rest>>;
}

describe('the trace of an order', () => {
  test('is one chain from the caller through gateway, command, create, process, PostgreSQL and customer', async () => {
    const { placed, traceId, traceparent, chain } = await placedWithTrace(({ traceId }) => {
      const http = find(traceId, 'gateway', /^POST \/v1\/orders$/, 2);
      const call = find(traceId, 'gateway', /CreateOrder/, 3);
      const command = find(
        traceId,
        'command',
        /^ordermesh\.order\.v1\.OrderCommandService\/CreateOrder$/,
        2,
      );
      const create = find(traceId, 'command', /^create ordermesh\.order\.events\.v1$/, 4);
      const append = find(traceId, 'command', /^pg\.query/, 3);
      const process = find(traceId, 'projector', processing, 5, ofGroup('orders-pg@000001'));
      const lookup = find(traceId, 'projector', /BatchGetCustomers/, 3, below(process));
      const customer = find(traceId, 'customer', /BatchGetCustomers$/, 2, below(lookup));
      const select = find(traceId, 'customer', /^pg\.query/, 3, below(customer));
      const write = find(traceId, 'projector', /^pg\.query/, 3, below(process));
      return {
        chain: { http, call, command, create, append, process, lookup, customer, select, write },
      };
    });
    expect(placed.headers.get('traceresponse')).toMatch(
      new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`),
    );
    expect(chain.http.parentSpanId).toBe(traceparent.split('-')[2]);
    const parents = [
      ['call', 'http'],
      ['command', 'call'],
      ['create', 'command'],
      ['append', 'create'],
      ['process', 'create'],
      ['lookup', 'process'],
      ['customer', 'lookup'],
      ['select', 'customer'],
      ['write', 'process'],
    ] as const;
    for (const [child, parent] of parents)
      expect([child, chain[child].parentSpanId]).toEqual([child, chain[parent].spanId]);
    console.log(`The trace of one order:\n${traceTree(receiver.spans, traceId)}`);

    expect(chain.command.attributes).toMatchObject({
      'rpc.system.name': 'grpc',
      'rpc.method': 'ordermesh.order.v1.OrderCommandService/CreateOrder',
      'rpc.status_code': 'OK',
    });
    expect(chain.process.attributes).toMatchObject({
      'messaging.operation.name': 'process',
      'messaging.destination.name': 'ordermesh.order.events.v1',
      'ordermesh.order.id': placed.body.order.orderId,
    });
    expect(JSON.stringify(receiver.spans)).not.toContain('Lovelace');
  });

  test.runIf(process.env.E2E_ENGINES === 'real')(
    'goes through Kafka into Elasticsearch, and the send that carried it is linked to it',
    async () => {
      const { traceId, create, indexed, bulk, sent } = await placedWithTrace(({ traceId }) => {
        const create = find(traceId, 'command', /^create /, 4);
        const indexed = find(traceId, 'projector', processing, 5, ofGroup('orders-es@000001'));
        const bulk = find(traceId, 'projector', /bulk/, 3, below(indexed));
        const sent = receiver.spans.find(
          ({ name, links }) =>
            name === 'send ordermesh.order.events.v1' &&
            links.some(({ spanId }) => spanId === create.spanId),
        );
        if (sent === undefined) throw new Error('no send is linked to the order');
        return { create, indexed, bulk, sent };
      });
      console.log(`On Kafka and Elasticsearch:\n${traceTree(receiver.spans, traceId)}`);
      expect(indexed.parentSpanId).toBe(create.spanId);
      expect(indexed.attributes['messaging.system.name']).toBe('kafka');
      expect(bulk.attributes['db.system']).toBe('elasticsearch');
      expect(sent.service).toBe('ordermesh-command');
      expect(sent.attributes['messaging.system.name']).toBe('kafka');
      expect(sent.traceId).not.toBe(traceId); // of its own: it carries messages of many traces
    },
  );

  test('is linked from the trace of the read that shows its outcome', async () => {
    const write = newTraceparent();
    const read = newTraceparent();
    const placed = await rest(mesh.url, 'POST', '/v1/orders', orderRequest(), write);
    const { orderId } = placed.body.order;
    await rest(mesh.url, 'GET', `/v1/orders/${orderId}?minVersion=1`, undefined, read);
    const [create, query] = await eventually(
      () => [
        find(write.traceId, 'command', /^create /),
        find(read.traceId, 'query', /OrderQueryService\/GetOrder$/, 2),
      ],
      { withinMs: 20_000 },
    );
    expect(query?.links).toContainEqual(
      expect.objectContaining({ traceId: write.traceId, spanId: create?.spanId }),
    );
  });

  test('has the id that history, problem documents and traceresponse show', async () => {
    const { traceId, traceparent } = newTraceparent();
    const placed = await rest(mesh.url, 'POST', '/v1/orders', orderRequest(), { traceparent });
    const history = await rest(mesh.url, 'GET', `/v1/orders/${placed.body.order.orderId}/events`);
    expect(history.body.events[0].traceId).toBe(traceId);
    const problem = await rest(mesh.url, 'GET', `/v1/orders/${randomUUID()}`, undefined, {
      traceparent,
    });
    expect(problem.body.traceId).toBe(traceId);
  });
});

test('grpc-js is patched in every process, and says so as a metric', async () => {
  for (const name of processes) {
    const metrics = await (await fetch(`${mesh.admin[name]}/metrics`)).text();
    expect(metrics).toMatch(/^ordermesh_telemetry_grpc_patched(\{.*\})? 1$/m);
  }
});

test('health checks and scrapes make no spans', async () => {
  for (const name of processes)
    for (const path of ['/livez', '/readyz', '/metrics']) await fetch(mesh.admin[name] + path);
  const { traceId, traceparent } = newTraceparent();
  await rest(mesh.url, 'GET', '/v1/orders', undefined, { traceparent });
  await eventually(() => find(traceId, 'query', /SearchOrders$/, 2), { withinMs: 20_000 });
  const noise = receiver.spans.filter(({ name, attributes }) =>
    /livez|readyz|metrics|health/i.test(`${name} ${attributes['url.path'] ?? ''}`),
  );
  expect(noise).toEqual([]);
});
