import { logLevels } from '@ordermesh/telemetry';
import { type Environment, readSettings, type Settings } from './read-settings.ts';
import { durationMs, oneOf } from './setting.ts';

/** The settings that every process has, whatever it does. */
export const processSettings = {
  drainTimeoutMs: durationMs('DRAIN_TIMEOUT', {
    doc: 'How long a process may take from the stop signal until everything is closed.',
    default: 10_000,
  }),
  logLevel: oneOf('LOG_LEVEL', logLevels, {
    doc: 'From which level on log lines are written.',
    default: 'info',
  }),
};

/** Reads them. @throws ConfigError */
export function readProcessSettings(
  env: Environment = process.env,
): Settings<typeof processSettings> {
  return readSettings(env, processSettings);
}
