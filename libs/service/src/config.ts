import { logLevels } from '@ordermesh/telemetry';
import { type Environment, readSettings, type Settings } from './read-settings.ts';
import { durationMs, oneOf } from './setting.ts';
import { auth, host, isLoopback } from './shared-settings.ts';
import { ConfigError } from './startup-error.ts';

/** The settings that every process has, whatever it does. */
const processSettings = {
  drainTimeoutMs: durationMs('DRAIN_TIMEOUT', {
    doc: 'How long a process may take from the stop signal until everything is closed.',
    default: 10_000,
  }),
  logLevel: oneOf('LOG_LEVEL', logLevels, {
    doc: 'From which level on log lines are written.',
    default: 'info',
  }),
  auth,
  host,
};

/** Reads them. @throws ConfigError, also for an address that others could reach while nobody authenticates them */
export function readProcessSettings(
  env: Environment = process.env,
): Settings<typeof processSettings> {
  const settings = readSettings(env, processSettings);
  if (settings.auth === 'off' && !isLoopback(settings.host)) {
    throw new ConfigError([
      `HOST is "${settings.host}", but AUTH is off; it must be a loopback address (127.0.0.1, ::1, localhost), or AUTH must be jwt`,
    ]);
  }
  return settings;
}
