import { describe, expect, test } from 'vitest';
import { readLogConfig, readTelemetryConfig } from './config.ts';

describe('readTelemetryConfig()', () => {
  test('has the defaults of the specification without any variable', () => {
    expect(readTelemetryConfig({}, undefined)).toEqual({
      serviceName: 'ordermesh',
      resourceAttributes: {},
      disabled: false,
      sampler: 'parentbased_always_on',
      samplerRatio: 1,
      otlp: undefined,
      batch: {},
      memory: false,
      trustInboundTraceparent: true,
      warnings: [],
    });
  });

  test('names the service by variable, then resource attribute, then entry file', () => {
    const entry = '/srv/apps/command/src/main.ts';
    const resource = { OTEL_RESOURCE_ATTRIBUTES: 'service.name=b,deployment.environment=a%20b' };
    expect(readTelemetryConfig({ OTEL_SERVICE_NAME: 'a', ...resource }, entry).serviceName).toBe(
      'a',
    );
    expect(readTelemetryConfig(resource, entry)).toMatchObject({
      serviceName: 'b',
      resourceAttributes: { 'deployment.environment': 'a b' },
    });
    expect(readTelemetryConfig({}, entry).serviceName).toBe('ordermesh-command');
  });

  test.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, 'http/protobuf'],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c/v1/traces' }, 'http/protobuf'],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
      'http/json',
    ],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, undefined],
  ])('exports for %j as %s', (env, otlp) => {
    expect(readTelemetryConfig(env)).toMatchObject({ otlp, warnings: [] });
  });

  test('answers protocol grpc with one warning and http/protobuf', () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4317',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    };
    expect(readTelemetryConfig(env)).toMatchObject({
      otlp: 'http/protobuf',
      warnings: ['OTEL_EXPORTER_OTLP_PROTOCOL "grpc" is not supported; http/protobuf is used'],
    });
  });

  test('reads sampler and batch variables', () => {
    const config = readTelemetryConfig({
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.25',
      OTEL_BSP_SCHEDULE_DELAY: '200',
      OTEL_BSP_MAX_QUEUE_SIZE: '100',
    });
    expect(config).toMatchObject({
      sampler: 'parentbased_traceidratio',
      samplerRatio: 0.25,
      batch: { scheduledDelayMillis: 200, maxQueueSize: 100 },
      warnings: [],
    });
  });

  test('turns every value that it does not understand into a warning that names the variable', () => {
    const { warnings, ...config } = readTelemetryConfig({
      OTEL_TRACES_SAMPLER: 'sometimes',
      OTEL_TRACES_SAMPLER_ARG: '2',
      OTEL_BSP_SCHEDULE_DELAY: 'soon',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318',
      OTEL_RESOURCE_ATTRIBUTES: 'nonsense',
    });
    expect(warnings.map((warning) => warning.split(' ')[0]).sort()).toEqual([
      'OTEL_BSP_SCHEDULE_DELAY',
      'OTEL_EXPORTER_OTLP_ENDPOINT',
      'OTEL_RESOURCE_ATTRIBUTES',
      'OTEL_TRACES_SAMPLER',
      'OTEL_TRACES_SAMPLER_ARG',
    ]);
    expect(config).toMatchObject({
      sampler: 'parentbased_always_on',
      samplerRatio: 1,
      otlp: undefined,
    });
  });
});

describe('readLogConfig()', () => {
  test('falls back to info for an unknown level', () => {
    expect(readLogConfig({ LOG_LEVEL: 'loud' })).toMatchObject({ level: 'info', pretty: false });
    expect(readLogConfig({ LOG_LEVEL: 'debug', ORDERMESH_LOG: 'pretty' })).toMatchObject({
      level: 'debug',
      pretty: true,
    });
  });
});
