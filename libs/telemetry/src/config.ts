/** What the environment says about telemetry. SDK 3 reads no sampler or batch variable itself, so all of it is read here. */
export interface TelemetryConfig {
  /** `OTEL_SERVICE_NAME`, else `service.name` of the resource attributes, else `ordermesh-<app>` by the entry file, else `ordermesh`. */
  readonly serviceName: string;
  /** `OTEL_RESOURCE_ATTRIBUTES`, percent-decoded. */
  readonly resourceAttributes: Readonly<Record<string, string>>;
  /** `OTEL_SDK_DISABLED`: nothing is recorded, exported or counted, but contexts still pass through and ids still exist. */
  readonly disabled: boolean;
  readonly sampler: SamplerName;
  /** `OTEL_TRACES_SAMPLER_ARG`, 0 to 1; used by the ratio samplers. */
  readonly samplerRatio: number;
  /** The exporter's encoding; `undefined` without an endpoint. The exporter reads endpoint, headers, timeout and compression itself. */
  readonly otlp: 'http/protobuf' | 'http/json' | undefined;
  /** `OTEL_BSP_*`; unset ones stay the SDK's. */
  readonly batch: {
    readonly scheduledDelayMillis?: number;
    readonly exportTimeoutMillis?: number;
    readonly maxQueueSize?: number;
    readonly maxExportBatchSize?: number;
  };
  /** `OTEL_MEMORY=1` (tests): finished spans are kept in memory from the start. */
  readonly memory: boolean;
  /** `TRUST_INBOUND_TRACEPARENT`: whether an HTTP caller's `traceparent` becomes the parent (default), or only a link. */
  readonly trustInboundTraceparent: boolean;
  /** One line per variable whose value was not understood; the default holds instead, as the specification asks. */
  readonly warnings: readonly string[];
}

const samplerNames = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** A value of `OTEL_TRACES_SAMPLER`. */
export type SamplerName = (typeof samplerNames)[number];

/** Reads the telemetry settings. Never throws: a bad value becomes a warning and its default. */
export function readTelemetryConfig(
  env: NodeJS.ProcessEnv = process.env,
  entryFile: string | undefined = process.argv[1],
): TelemetryConfig {
  const warnings: string[] = [];
  const warn = (variable: string, problem: string) => {
    warnings.push(`${variable} ${problem}`);
  };
  const resourceAttributes = readResourceAttributes(env, warn);
  return {
    serviceName:
      env.OTEL_SERVICE_NAME || resourceAttributes['service.name'] || nameByEntry(entryFile),
    resourceAttributes,
    disabled: env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true',
    sampler: readSampler(env, warn),
    samplerRatio: readNumber(env, 'OTEL_TRACES_SAMPLER_ARG', { min: 0, max: 1 }, warn) ?? 1,
    otlp: readOtlp(env, warn),
    batch: readBatch(env, warn),
    memory: env.OTEL_MEMORY === '1',
    trustInboundTraceparent: env.TRUST_INBOUND_TRACEPARENT !== 'off',
    warnings,
  };
}

/** What the environment says about logs; see logger.ts. */
export interface LogConfig {
  /** `LOG_LEVEL`: trace, debug, info (default), warn, error, fatal, silent. */
  readonly level: LogLevel;
  /** `ORDERMESH_LOG=pretty`: one line for humans instead of JSON. */
  readonly pretty: boolean;
  readonly serviceName: string;
}

/** The values of `LOG_LEVEL`. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Reads the log settings; an unknown level is `info` (runProcess refuses it before). */
export function readLogConfig(env: NodeJS.ProcessEnv = process.env): LogConfig {
  return {
    level: logLevels.find((level) => level === env.LOG_LEVEL) ?? 'info',
    pretty: env.ORDERMESH_LOG === 'pretty',
    serviceName: readTelemetryConfig(env).serviceName,
  };
}

/** `apps/command/src/main.ts` → `ordermesh-command`: the preload runs before the app could say who it is. */
function nameByEntry(entryFile = ''): string {
  const app = /[/\\]apps[/\\]([a-z-]+)[/\\]src[/\\]main\.ts$/.exec(entryFile)?.[1];
  return app ? `ordermesh-${app}` : 'ordermesh';
}

type Warn = (variable: string, problem: string) => void;

function readSampler(env: NodeJS.ProcessEnv, warn: Warn): SamplerName {
  const text = env.OTEL_TRACES_SAMPLER?.trim().toLowerCase();
  const known = samplerNames.find((name) => name === text);
  if (text && !known)
    warn(
      'OTEL_TRACES_SAMPLER',
      `must be one of ${samplerNames.join(', ')}; parentbased_always_on is used`,
    );
  return known ?? 'parentbased_always_on';
}

function readOtlp(env: NodeJS.ProcessEnv, warn: Warn): TelemetryConfig['otlp'] {
  const endpointVariable = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
    ? 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'
    : 'OTEL_EXPORTER_OTLP_ENDPOINT';
  const endpoint = env[endpointVariable];
  if (!endpoint) return undefined;
  // The exporter would fall back to localhost:4318 on a malformed endpoint and fail there every few seconds.
  if (!/^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) {
    warn(endpointVariable, 'must be an http or https URL; no trace is exported');
    return undefined;
  }
  const protocol =
    env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL || 'http/protobuf';
  if (protocol === 'http/json' || protocol === 'http/protobuf') return protocol;
  warn(
    'OTEL_EXPORTER_OTLP_PROTOCOL',
    `${JSON.stringify(protocol)} is not supported; http/protobuf is used`,
  );
  return 'http/protobuf';
}

function readBatch(env: NodeJS.ProcessEnv, warn: Warn): TelemetryConfig['batch'] {
  const positive = { min: 1, max: 2 ** 31 - 1 };
  const scheduledDelayMillis = readNumber(env, 'OTEL_BSP_SCHEDULE_DELAY', positive, warn);
  const exportTimeoutMillis = readNumber(env, 'OTEL_BSP_EXPORT_TIMEOUT', positive, warn);
  const maxQueueSize = readNumber(env, 'OTEL_BSP_MAX_QUEUE_SIZE', positive, warn);
  const maxExportBatchSize = readNumber(env, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', positive, warn);
  return {
    ...(scheduledDelayMillis !== undefined && { scheduledDelayMillis }),
    ...(exportTimeoutMillis !== undefined && { exportTimeoutMillis }),
    ...(maxQueueSize !== undefined && { maxQueueSize }),
    ...(maxExportBatchSize !== undefined && { maxExportBatchSize }),
  };
}

function readNumber(
  env: NodeJS.ProcessEnv,
  variable: string,
  bounds: { readonly min: number; readonly max: number },
  warn: Warn,
): number | undefined {
  const text = env[variable]?.trim();
  if (!text) return undefined;
  const value = Number(text);
  if (value >= bounds.min && value <= bounds.max) return value;
  warn(variable, `must be a number from ${bounds.min} to ${bounds.max}; the default is used`);
  return undefined;
}

function readResourceAttributes(env: NodeJS.ProcessEnv, warn: Warn): Record<string, string> {
  const text = env.OTEL_RESOURCE_ATTRIBUTES?.trim();
  if (!text) return {};
  try {
    return Object.fromEntries(
      text.split(',').map((pair) => {
        const at = pair.indexOf('=');
        if (at < 1) throw new Error('no "="');
        return [
          decodeURIComponent(pair.slice(0, at).trim()),
          decodeURIComponent(pair.slice(at + 1).trim()),
        ];
      }),
    );
  } catch {
    warn(
      'OTEL_RESOURCE_ATTRIBUTES',
      'must be key=value pairs, separated by commas and percent-encoded; all are ignored',
    );
    return {};
  }
}
