// The preload: `node --import @ordermesh/telemetry/register`, or a vitest setup file. The order is the whole point.
// 1. Instrumentations are constructed: from then on a `require` of their library gets the patched one.
// 2. The libraries are required here, so that they are patched before anything can `import` them. An import that came
//    first would freeze the unpatched exports for every ES module of the process. This needs no loader hook, so neither
//    a Node version nor vitest can break it.
// 3. Only then comes the SDK, by dynamic import: its exporters import http themselves.
// A static import of the SDK, or of grpc-js, in this file or in what it imports statically breaks step 2 silently; the
// self-check at the end is there for that.
import { createRequire } from 'node:module';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { GrpcInstrumentation } from '@opentelemetry/instrumentation-grpc';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { readTelemetryConfig } from './config.ts';
import { httpHygiene } from './http-hygiene.ts';

const config = readTelemetryConfig();

// No kafkajs: its instrumentation overwrites a stored traceparent and runs batches under a root of their own, so
// messages are traced by hand in @ordermesh/messaging.
const instrumentations = [
  new HttpInstrumentation(httpHygiene({ trustInbound: config.trustInboundTraceparent })),
  // Matched by method name only, without the service: no API of ours may call a method Check or Watch.
  new GrpcInstrumentation({ ignoreGrpcMethods: ['Check', 'Watch', 'ServerReflectionInfo'] }),
  // Without a parent there would be a trace per relay poll; connects are the pool's business, not a caller's.
  new PgInstrumentation({ requireParentSpan: true, ignoreConnectSpans: true }),
];
registerInstrumentations({ instrumentations });

const require = createRequire(import.meta.url);
for (const id of ['node:http', 'node:https', '@grpc/grpc-js', 'pg']) require(id);

const { startSdk } = await import('./sdk.ts');
await startSdk(config, instrumentations);
