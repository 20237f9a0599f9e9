import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { readSettings, type SettingsSpec } from './read-settings.ts';
import { custom, durationMs, int, list, oneOf, onOff, port, text, url } from './setting.ts';
import { ConfigError } from './startup-error.ts';

const doc = 'What it is for.';

function faultsOf(env: Record<string, string>, spec: SettingsSpec): readonly string[] {
  try {
    readSettings(env, spec);
  } catch (error) {
    if (error instanceof ConfigError) return error.lines;
    throw error;
  }
  return [];
}

describe('readSettings()', () => {
  const spec = {
    host: text('HOST', { doc, default: '127.0.0.1' }),
    port: port('COMMAND_PORT', { doc, default: 50_051 }),
    database: url('DATABASE_URL', { doc, optional: true, schemes: ['postgres', 'postgresql'] }),
    bus: oneOf('BUS', ['embedded', 'kafka'], { doc, default: 'embedded' }),
    snapshotEvery: int('SNAPSHOT_EVERY', { doc, default: 100, min: 1, max: 10_000 }),
    brokers: list('KAFKA_BROKERS', { doc, optional: true }),
    reflection: onOff('GRPC_REFLECTION', { doc, default: false }),
    timeoutMs: durationMs('REQUEST_TIMEOUT_MS', { doc, default: 2000 }),
  };

  test('answers the defaults in an empty environment, and blank counts as unset', () => {
    const defaults = {
      host: '127.0.0.1',
      port: 50_051,
      database: undefined,
      bus: 'embedded',
      snapshotEvery: 100,
      brokers: undefined,
      reflection: false,
      timeoutMs: 2000,
    };
    expect(readSettings({}, spec)).toEqual(defaults);
    expect(readSettings({ HOST: '', BUS: '  ', DATABASE_URL: '' }, spec)).toEqual(defaults);
  });

  test('answers typed values', () => {
    const settings = readSettings(
      {
        HOST: ' 0.0.0.0 ',
        COMMAND_PORT: '0',
        DATABASE_URL: 'postgres://u:p@db/x',
        BUS: 'kafka',
        KAFKA_BROKERS: 'a:9092, b:9092',
        GRPC_REFLECTION: 'on',
        REQUEST_TIMEOUT_MS: '1500',
      },
      spec,
    );
    expect(settings).toMatchObject({
      host: '0.0.0.0',
      port: 0,
      database: 'postgres://u:p@db/x',
      bus: 'kafka',
      brokers: ['a:9092', 'b:9092'],
      reflection: true,
      timeoutMs: 1500,
    });
    expectTypeOf(settings.port).toEqualTypeOf<number>();
    expectTypeOf(settings.database).toEqualTypeOf<string | undefined>();
    expectTypeOf(settings.bus).toEqualTypeOf<'embedded' | 'kafka'>();
    expectTypeOf(settings.brokers).toEqualTypeOf<readonly string[] | undefined>();
  });

  test('reports all faults at once, each naming variable, value and what it must be', () => {
    const env = {
      COMMAND_PORT: '70000',
      BUS: 'pigeon',
      SNAPSHOT_EVERY: '0',
      GRPC_REFLECTION: 'maybe',
    };
    expect(faultsOf(env, spec)).toEqual([
      'COMMAND_PORT is "70000"; it must be a whole number from 0 to 65535',
      'BUS is "pigeon"; it must be one of embedded, kafka',
      'SNAPSHOT_EVERY is "0"; it must be a whole number from 1 to 10000',
      'GRPC_REFLECTION is "maybe"; it must be on or off',
    ]);
  });

  test('says what a required setting is for when it is missing', () => {
    expect(
      faultsOf({}, { key: text('TOKEN_KEY', { doc: 'Signs tokens.', secret: true }) }),
    ).toEqual(['TOKEN_KEY (or TOKEN_KEY_FILE) is not set; it must be a text: Signs tokens.']);
  });

  test.each([
    ['a port', port('X', { doc, optional: true }), ['1.5', '-1', '65536', '0x10', '1e3']],
    ['a number', int('X', { doc, optional: true, min: -5 }), ['-6', '9'.repeat(17), 'NaN']],
    ['a list', list('X', { doc, optional: true }), ['a,,b', ',']],
    ['a duration', durationMs('X', { doc, optional: true }), ['-1', '1.5s', '10d', '600h']],
    [
      'a URL',
      url('X', { doc, optional: true, schemes: ['redis'] }),
      ['redis', 'http://a', 'redis:a', '/x'],
    ],
    ['on or off', onOff('X', { doc, optional: true }), ['yes', '2']],
  ])('refuses what is not %s', (_, setting, wrong) => {
    for (const value of wrong) expect(faultsOf({ X: value }, { x: setting })).toHaveLength(1);
  });

  test.each([
    ['2000', 2000],
    ['500ms', 500],
    ['10s', 10_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
  ])('reads the duration %s', (value, ms) => {
    expect(readSettings({ X: value }, { x: durationMs('X', { doc, default: 0 }) }).x).toBe(ms);
  });

  test('refuses a duration below its minimum', () => {
    const spec = { x: durationMs('X', { doc, default: 2000, min: 1 }) };
    expect(readSettings({ X: '1ms' }, spec).x).toBe(1);
    expect(faultsOf({ X: '0' }, spec)[0]).toMatch(/^X is "0"; it must be a duration of at least 1/);
  });

  test('takes a kind of its own', () => {
    const even = custom('X', {
      doc,
      default: 2,
      expects: 'an even number',
      parse: (value) => (Number(value) % 2 === 0 ? Number(value) : undefined),
    });
    expect(readSettings({ X: '4' }, { even }).even).toBe(4);
    expect(faultsOf({ X: '3' }, { even })).toEqual(['X is "3"; it must be an even number']);
  });
});

describe('a secret', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ordermesh-settings-'));
    writeFileSync(join(folder, 'secret'), 'hunter2\n');
    writeFileSync(join(folder, 'empty'), '\n');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const spec = { key: text('KEY', { doc, secret: true, default: 'none' }) };

  test('comes from its variable or, trimmed, from the file', () => {
    expect(readSettings({ KEY: 'direct' }, spec).key).toBe('direct');
    expect(readSettings({ KEY_FILE: join(folder, 'secret') }, spec).key).toBe('hunter2');
    expect(readSettings({}, spec).key).toBe('none');
  });

  test('may not come from both', () => {
    const env = { KEY: 'a', KEY_FILE: join(folder, 'secret') };
    expect(faultsOf(env, spec)).toEqual(['KEY and KEY_FILE are both set; only one of them may be']);
  });

  test('is a fault when its file is missing or empty', () => {
    expect(faultsOf({ KEY_FILE: join(folder, 'absent') }, spec)[0]).toMatch(/^KEY_FILE .*ENOENT/);
    expect(faultsOf({ KEY_FILE: join(folder, 'empty') }, spec)[0]).toMatch(
      /^KEY_FILE names an empty file/,
    );
  });

  test('without `secret` no file is read', () => {
    const open = { key: text('KEY', { doc, default: 'none' }) };
    expect(readSettings({ KEY_FILE: join(folder, 'secret') }, open).key).toBe('none');
  });

  test.each(['http://user:hunter2@db/x', 'user:hunter2@db', 'postgres://u:hunter2@[bad'])(
    'does not show in the fault of %s',
    (value) => {
      const settings = {
        db: url('DATABASE_URL', { doc, schemes: ['postgres'] }),
        n: int('N', { doc, secret: true }),
      };
      const faults = faultsOf({ DATABASE_URL: value, N: 'hunter2' }, settings);
      expect(faults).toHaveLength(2);
      expect(faults.join()).not.toContain('hunter2');
    },
  );
});
