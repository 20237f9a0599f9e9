import { randomBytes } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { identifyAs, issuerPolicy, openAccess } from '@ordermesh/auth';
import { startTestIssuer } from '@ordermesh/auth/testing';
import { CustomerService, GetCustomerRequestSchema } from '@ordermesh/contract';
import { policy } from '@ordermesh/resilience';
import {
  type CallContext,
  callUnary,
  connect,
  implement,
  openTransport,
  serveRpc,
} from '@ordermesh/rpc';
import { authority, issuedFiles } from '@ordermesh/testing/certificates';
import { expect, onTestFinished, test } from 'vitest';

const customerId = '5f1d3c1e-4a55-4d2b-9a43-0d4a6a1b7c11';
const tokenKey = randomBytes(32);

function closed<T extends AsyncDisposable>(resource: T): T {
  onTestFinished(() => resource[Symbol.asyncDispose]());
  return resource;
}

/** A customer service with tokens and certificates, which a process with a certificate as `gateway` calls with a token as `service`. */
async function called(service: string): Promise<CallContext> {
  const ca = await authority();
  const transportOf = async (name: 'gateway' | 'customer') => {
    const files = closed(await issuedFiles(ca.certificate, await ca.issue(name)));
    const transport = await openTransport(name, files);
    onTestFinished(() => transport[Symbol.dispose]());
    return transport;
  };
  const issuer = closed(await startTestIssuer());
  const access = openAccess({ ...issuer, tokenKey }, policy(issuerPolicy).execute);
  let context: CallContext | undefined;
  const refuse = () => Promise.reject(new Error('not scripted'));
  const server = closed(
    await serveRpc({
      host: '127.0.0.1',
      port: 0,
      portVariable: 'CUSTOMER_PORT',
      services: [
        implement(CustomerService, {
          async getCustomer(_request, call) {
            context = call;
            return {};
          },
          registerCustomer: refuse,
          batchGetCustomers: refuse,
        }),
      ],
      requestTimeoutMs: 10_000,
      reflection: false,
      access,
      transport: await transportOf('customer'),
    }),
  );
  const channel = closed(
    connect({
      address: `127.0.0.1:${server.port}`,
      transport: (await transportOf('gateway')).to('customer'),
      serviceName: 'ordermesh-gateway',
      defaultTimeoutMs: 10_000,
      identify: identifyAs(service, tokenKey),
    }),
  );
  const authorization = `Bearer ${await issuer.sign({ sub: customerId })}`;
  const request = create(GetCustomerRequestSchema, { customerId });
  await callUnary(channel, CustomerService.method.getCustomer, request, {
    metadata: { authorization },
  });
  return context as CallContext;
}

test('with certificates too, a process is who both its token and its certificate say', async () => {
  expect(await called('gateway')).toMatchObject({
    peerService: 'gateway',
    caller: { subject: customerId, service: 'ordermesh-gateway' },
  });
});

test('a token of another process than the certificate’s is refused', async () => {
  await expect(called('projector')).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
});
