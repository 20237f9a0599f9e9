import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { connect as tlsConnect } from 'node:tls';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { ReasonError } from '@ordermesh/contract';
import { metricsText } from '@ordermesh/telemetry';
import { eventually } from '@ordermesh/testing';
import {
  type Authority,
  authority,
  type IssuedFiles,
  issuedFiles,
} from '@ordermesh/testing/certificates';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { closed, failure, get, id, query } from '../../test/served-query.ts';
import { connect, type RpcServer } from '../index.ts';
import type { MeshProcess } from './identity.ts';
import { openTransport } from './transport.ts';

let ca: Authority;
let foreign: Authority;
beforeAll(async () => {
  [ca, foreign] = await Promise.all([authority(), authority()]);
});

const given = async (...parameters: Parameters<typeof issuedFiles>) => {
  const files = await issuedFiles(...parameters);
  onTestFinished(() => files[Symbol.asyncDispose]());
  return files;
};

async function opened(process: MeshProcess, files?: IssuedFiles) {
  const used = files ?? (await given(ca.certificate, await ca.issue(process)));
  const said: string[] = [];
  const log = {
    info: (...line: unknown[]) => void said.push(String(line.at(-1))),
    error: (...line: unknown[]) => void said.push(String(line.at(-1))),
  };
  const transport = await openTransport(process, used, { everyMs: 50, log });
  onTestFinished(() => transport[Symbol.dispose]());
  return { transport, files: used, said };
}

/** A query service with mutual TLS that answers by whom it was called. */
async function secured(process: MeshProcess = 'query', connectionAgeMs = 120_000) {
  const { transport, files, said } = await opened(process);
  const callers: (string | undefined)[] = [];
  const { server } = await query(
    async (_request, call) => {
      callers.push(call.peerService);
      return { order: { orderId: id } };
    },
    5_000,
    { transport, connectionAgeMs },
  );
  return { server, callers, files, said };
}

/** What a client of grpc-js with these credentials hears from one of the server's methods. */
function heard(
  server: RpcServer,
  of: ReturnType<typeof credentials.createSsl>,
  path = '/ordermesh.order.v1.OrderQueryService/GetOrder',
): Promise<ServiceError | 'an answer'> {
  const client = new Client(`127.0.0.1:${server.port}`, of, {
    'grpc.ssl_target_name_override': 'query',
  });
  const bytes = (message: Buffer) => message;
  const request = Buffer.from([10, 36, ...Buffer.from(id)]);
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, bytes, bytes, request, (error) => {
      client.close();
      resolve(error ?? 'an answer');
    });
  });
}

/** Trusts any server, so that only what the server makes of the client is seen. */
const clientOf = (key?: string, certificate?: string, trusted = ca) =>
  credentials.createSsl(
    Buffer.from(trusted.certificate),
    key ? Buffer.from(key) : null,
    certificate ? Buffer.from(certificate) : null,
    { checkServerIdentity: () => undefined },
  );

const methods = [
  '/ordermesh.order.v1.OrderQueryService/GetOrder',
  '/grpc.health.v1.Health/Check',
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
];

describe('a server with TLS', () => {
  test('answers a process of the mesh, and tells the handler which one', async () => {
    const { server, callers } = await secured();
    const { transport } = await opened('gateway');
    const channel = connect({
      address: `127.0.0.1:${server.port}`,
      transport: transport.to('query'),
      serviceName: 'ordermesh-projector', // its certificate knows better
      defaultTimeoutMs: 5_000,
    });
    closed(channel);
    await get(channel);
    expect(callers).toEqual(['gateway']);
  });

  test.each(methods)('refuses plaintext: %s', async (path) => {
    const { server, callers } = await secured();
    expect(await heard(server, credentials.createInsecure(), path)).toMatchObject({
      code: status.UNAVAILABLE,
    });
    expect(callers).toEqual([]);
  });

  test.each(methods)('refuses a client without a certificate: %s', async (path) => {
    const { server, callers } = await secured();
    expect(await heard(server, clientOf(), path)).toMatchObject({ code: status.UNAVAILABLE });
    expect(callers).toEqual([]);
  });

  test('refuses a certificate of a foreign authority, and one that has expired', async () => {
    const { server, callers } = await secured();
    const strange = await foreign.issue('gateway');
    const expired = await ca.issue('gateway', { to: new Date(Date.now() - 1_000) });
    for (const { key, certificate } of [strange, expired])
      expect(await heard(server, clientOf(key, certificate))).toMatchObject({
        code: status.UNAVAILABLE,
      });
    expect(callers).toEqual([]);
  });

  test.each(methods)('refuses a certificate without an identity of the mesh: %s', async (path) => {
    const { server, callers } = await secured();
    const { key, certificate } = await ca.issue('spiffe://elsewhere/ns/a/sa/gateway');
    expect(await heard(server, clientOf(key, certificate), path)).toMatchObject({
      code: status.UNAUTHENTICATED,
    });
    expect(callers).toEqual([]);
  });
});

describe('a client with TLS', () => {
  const call = async (server: RpcServer, files?: IssuedFiles, defaultTimeoutMs = 5_000) => {
    const { transport } = await opened('gateway', files);
    const channel = connect({
      address: `127.0.0.1:${server.port}`,
      transport: transport.to('query'),
      serviceName: 'test',
      defaultTimeoutMs,
    });
    closed(channel);
    return failure(get(channel));
  };

  test('sends nothing to another service than the one that it wants', async () => {
    const { server, callers } = await secured('command');
    const refused = await call(server);
    expect(refused.reason).toBe('DEPENDENCY_UNAVAILABLE');
    expect((refused.cause as ServiceError).details).toContain('not the query service');
    expect(refused.message).not.toContain('spiffe');
    expect(callers).toEqual([]);
  });

  test('sends nothing to a server of a foreign authority', async () => {
    const { server, callers } = await secured();
    const files = await given(foreign.certificate, await ca.issue('gateway'));
    expect((await call(server, files)).reason).toBe('DEPENDENCY_UNAVAILABLE');
    expect(callers).toEqual([]);
  });

  test('sends nothing to a server in the clear', async () => {
    const handle = vi.fn(async () => ({}));
    // What began as TLS is not a connection that it could drain.
    const { server } = await query(handle, 5_000, { drainMs: 0 });
    // The server may leave the handshake unanswered, until the deadline.
    expect(await call(server, undefined, 500)).toBeInstanceOf(ReasonError);
    expect(handle).not.toHaveBeenCalled();
  });
});

describe('a replaced certificate', () => {
  /** The serial number that a new connection gets to see. */
  const served = (server: RpcServer, files: IssuedFiles) =>
    new Promise<string>((resolve, reject) => {
      const socket = tlsConnect({
        host: '127.0.0.1',
        port: server.port,
        ALPNProtocols: ['h2'],
        ca: readFileSync(files.tlsCaFile),
        checkServerIdentity: () => undefined,
      });
      socket.once('error', reject);
      socket.once('secureConnect', () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      });
    });

  test('is used by both sides within seconds, without a call that fails', async () => {
    const { server, callers, files } = await secured();
    const gateway = await opened('gateway');
    const failed: unknown[] = [];
    let calls = 0;
    const stop = new AbortController();
    // Each call on a connection of its own, so that every one meets the certificates as they are; four at a time.
    const load = Array.from({ length: 4 }, async () => {
      while (!stop.signal.aborted) {
        await using channel = connect({
          address: `127.0.0.1:${server.port}`,
          transport: gateway.transport.to('query'),
          serviceName: 'test',
          defaultTimeoutMs: 10_000,
        });
        await get(channel).catch((error: unknown) => failed.push(error));
        calls++;
      }
    });
    const kept = connect({
      address: `127.0.0.1:${server.port}`,
      transport: gateway.transport.to('query'),
      serviceName: 'test',
      defaultTimeoutMs: 10_000,
    });
    closed(kept);
    for (let round = 0; round < 3; round++) {
      const [next, nextClient] = await Promise.all([ca.issue('query'), ca.issue('gateway')]);
      await Promise.all([files.replace(next), gateway.files.replace(nextClient)]);
      await eventually(async () => (await served(server, files)) === next.serialNumber);
      const seen = calls;
      await eventually(() => calls > seen + 4, { withinMs: 30_000 });
      await get(kept);
    }
    stop.abort();
    await Promise.all(load);
    expect(failed).toEqual([]);
    expect(new Set(callers)).toEqual(new Set(['gateway']));
  });

  test('of the authorities is what a client trusts from then on', async () => {
    const { server, callers } = await secured();
    const { transport, files, said } = await opened('gateway');
    const call = async () => {
      await using channel = connect({
        address: `127.0.0.1:${server.port}`,
        transport: transport.to('query'),
        serviceName: 'test',
        defaultTimeoutMs: 5_000,
      });
      return await get(channel);
    };
    await call();
    await writeFile(files.tlsCaFile, foreign.certificate); // it trusts the server no longer
    await eventually(() => said.includes('certificate replaced'));
    expect((await failure(call())).reason).toBe('DEPENDENCY_UNAVAILABLE');
    expect(callers).toEqual(['gateway']);
  });

  test('counts for connections of before as soon as their age ends them', async () => {
    const { server, files } = await secured('query', 200);
    const { transport } = await opened('gateway');
    const channel = connect({
      address: `127.0.0.1:${server.port}`,
      transport: transport.to('query'),
      serviceName: 'test',
      defaultTimeoutMs: 5_000,
    });
    closed(channel);
    await get(channel);
    await writeFile(files.tlsCaFile, foreign.certificate); // it trusts the client no longer
    const refused = await eventually(() => failure(get(channel)));
    expect(refused.reason).toBe('DEPENDENCY_UNAVAILABLE');
  });

  const unusable: Record<string, (files: IssuedFiles) => Promise<unknown>> = {
    'is half written': (files) => writeFile(files.tlsCertFile, '-----BEGIN CERTIFICATE-----\nMII'),
    'is gone': (files) => rm(files.tlsCertFile),
    'came without its key': async (files) =>
      writeFile(files.tlsCertFile, (await ca.issue('query')).certificate),
    'has expired': async (files) =>
      files.replace(await ca.issue('query', { to: new Date(Date.now() - 1_000) })),
    'is for another process': async (files) => files.replace(await ca.issue('command')),
  };
  test.each(Object.keys(unusable))(
    'that %s is reported, and the former one stays in use until one comes that fits',
    async (fault) => {
      const { server, files, said } = await secured();
      const before = await served(server, files);
      await unusable[fault]?.(files);
      const report = 'certificate cannot be replaced; the former one stays in use';
      await eventually(() => said.includes(report));
      expect(await served(server, files)).toBe(before);
      const next = await ca.issue('query');
      await files.replace(next);
      await eventually(async () => (await served(server, files)) === next.serialNumber);
    },
  );

  test('is what the metric of the time until it expires is about', async () => {
    const files = await given(
      ca.certificate,
      await ca.issue('gateway', { to: new Date(Date.now() + 3_600_000) }),
    );
    await opened('gateway', files);
    const seconds = async () =>
      Number(/^ordermesh_tls_certificate_expiry(?:\{.*\})? (\S+)/m.exec(await metricsText())?.[1]);
    const first = await seconds();
    expect(first).toBeGreaterThan(3_000);
    expect(first).toBeLessThanOrEqual(3_600);
    await files.replace(await ca.issue('gateway', { to: new Date(Date.now() + 7_200_000) }));
    await eventually(async () => (await seconds()) > 3_700);
  });
});
