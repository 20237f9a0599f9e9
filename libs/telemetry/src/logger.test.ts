import { describe, expect, test } from 'vitest';
import { prettyLine } from './pretty-line.ts';
import { runChild } from './run-child.ts';

const lines = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('logger()', () => {
  test('writes JSON lines with service, logger, fields, and the ids of the active span', async () => {
    const { stdout } = await runChild(
      `
      import { carry, inSpan, logger } from '@ordermesh/telemetry';
      const log = logger('relay').child({ partition: 3 });
      log.info('outside');
      await inSpan('work', {}, () => log.warn({ count: 2, ...carry() }, 'inside'));
    `,
      { env: { OTEL_SERVICE_NAME: 'ordermesh-command' } },
    );
    const [outside, inside] = lines(stdout);
    expect(outside).toMatchObject({
      level: 'info',
      service: 'ordermesh-command',
      logger: 'relay',
      partition: 3,
      msg: 'outside',
    });
    expect(new Date(outside.time).toISOString()).toBe(outside.time);
    expect(outside).not.toHaveProperty('trace_id');
    expect(inside).toMatchObject({ level: 'warn', count: 2, msg: 'inside' });
    expect(inside.traceparent).toBe(`00-${inside.trace_id}-${inside.span_id}-01`);
  });

  test('writes an error with its stack and its cause', async () => {
    const { stdout } = await runChild(`
      import { logger } from '@ordermesh/telemetry';
      const err = Object.assign(new Error('append failed', { cause: new Error('socket') }), { code: '40001' });
      logger('a').error({ err }, 'failed');
    `);
    expect(lines(stdout)[0]).toMatchObject({
      err: {
        type: 'Error',
        message: 'append failed',
        code: '40001',
        stack: expect.stringContaining('at '),
        cause: { message: 'socket' },
      },
    });
  });

  test('leaves out what is below LOG_LEVEL', async () => {
    const program = `
      import { logger } from '@ordermesh/telemetry';
      const log = logger('a');
      log.debug('debug'); log.warn('warn'); log.error('error');
    `;
    const at = async (level: string) =>
      (await runChild(program, { env: { LOG_LEVEL: level } })).stdout
        .trim()
        .split('\n')
        .filter(Boolean);
    expect(await at('error')).toHaveLength(1);
    expect(await at('debug')).toHaveLength(3);
    expect(await at('silent')).toHaveLength(0);
  });

  test('loses no line when the process exits right after it', async () => {
    const { stdout } = await runChild(`
      import { logger } from '@ordermesh/telemetry';
      const log = logger('a');
      for (let i = 0; i < 2000; i++) log.info({ i }, 'line');
      process.exit(3);
    `);
    expect(lines(stdout)).toHaveLength(2000);
  });

  test('writes one readable line with ORDERMESH_LOG=pretty', async () => {
    const { stdout } = await runChild(
      `import { logger } from '@ordermesh/telemetry'; logger('relay').info({ port: 50051 }, 'ready');`,
      { env: { ORDERMESH_LOG: 'pretty' } },
    );
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}ordermesh\/relay ready port=50051\n$/);
  });
});

describe('prettyLine()', () => {
  test('puts a stack below the line, quotes what has blanks, and leaves the span id out', () => {
    expect(prettyLine(failed('error'))).toBe(
      '03:04:05.678 ERROR s/l failed note="two words"\nError: boom\n  at x\n',
    );
  });

  test('has only the message of an error that the process heals by itself', () => {
    expect(prettyLine(failed('warn'))).toBe(
      '03:04:05.678 WARN  s/l failed note="two words" err="it broke"\n',
    );
  });

  const failed = (level: string) =>
    JSON.stringify({
      level,
      time: '2026-01-02T03:04:05.678Z',
      service: 's',
      logger: 'l',
      msg: 'failed',
      span_id: 'x',
      note: 'two words',
      err: { message: 'it broke', stack: 'Error: boom\n  at x' },
    });
});
