import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startProgram } from './start-program.ts';

const resource = (name: string, close = '') => `
  await using ${name} = { async [Symbol.asyncDispose]() { ${close}; console.log('closed ${name}'); } };`;

const messages = (stdout: string): string[] =>
  stdout.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line).msg] : []));

describe('runProcess()', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s closes in reverse order and ends with code 0',
    async (signal) => {
      const program = startProgram(`
      ${resource('first')} ${resource('second')}
      life.ready();
      console.log('is', life.state);
      console.log('stopped by', await life.stopping, life.signal.aborted, life.state);
    `);
      await program.saw('is ready');
      program.signal(signal);
      const { code, stdout, stderr } = await program.ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(`stopped by ${signal} true stopping`);
      expect(stdout.indexOf('closed second')).toBeGreaterThan(0);
      expect(stdout.indexOf('closed first')).toBeGreaterThan(stdout.indexOf('closed second'));
      expect(messages(stdout)).toEqual(['starting', 'stopping', 'stopped']);
    },
  );

  test('takes a repeated signal within 250 ms for the same request', async () => {
    // npm forwards a Ctrl-C that the terminal has already sent to the group.
    const program = startProgram(`
      ${resource('only', 'await new Promise((done) => setTimeout(done, 100))')}
      console.log('up');
      process.once('SIGINT', () => process.kill(process.pid, 'SIGTERM'));
      await life.stopping;
    `);
    await program.saw('up');
    program.signal('SIGINT');
    const { code, stdout } = await program.ended;
    expect(code).toBe(0);
    expect(stdout).toContain('closed only');
  });

  test('ends at once with code 1 on a second signal', async () => {
    const program = startProgram(`
      ${resource('stuck', 'setTimeout(() => console.log("later"), 400); await new Promise((r) => setTimeout(r, 60_000))')}
      console.log('up');
      await life.stopping;
    `);
    await program.saw('up');
    program.signal('SIGTERM');
    await program.saw('later');
    program.signal('SIGTERM');
    const { code, stdout } = await program.ended;
    expect(code).toBe(1);
    expect(stdout).not.toContain('closed stuck');
    expect(messages(stdout).at(-1)).toBe('second stop signal: leaving at once');
  });

  test('ends with code 1 when closing outlasts DRAIN_TIMEOUT, and names what is still open', async () => {
    const program = startProgram(
      `
      const stuck = { [Symbol.asyncDispose]: () => new Promise((r) => setTimeout(r, 60_000)) };
      ${resource('first')}
      await using store = life.named('event store', stuck);
      console.log('up');
      await life.stopping;
    `,
      { DRAIN_TIMEOUT: '200ms' },
    );
    await program.saw('up');
    program.signal('SIGTERM');
    const { code, stdout } = await program.ended;
    expect(code).toBe(1);
    expect(messages(stdout).at(-1)).toBe('not stopped within DRAIN_TIMEOUT (200 ms): event store');
  });

  test('reports a timer that outlives the body and ends nevertheless, with code 0', async () => {
    const program = startProgram(`setInterval(() => {}, 60_000);`);
    const { code, stdout } = await program.ended;
    expect(code).toBe(0);
    const last = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    expect(last).toMatchObject({ msg: 'leaving with something still open', open: ['Timeout'] });
  });

  test('ends with code 0, and blames nobody, when its traces can not be sent', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => closed.once('listening', resolve));
    const { port } = closed.address() as { port: number };
    await new Promise((resolve) => closed.close(resolve));
    const program = startProgram(
      `await (await import('@ordermesh/telemetry')).inSpan('work', {}, () => {});`,
      { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
    );
    const { code, stdout } = await program.ended;
    expect(code).toBe(0);
    expect(messages(stdout)).not.toContain('leaving with something still open');
  });

  test('ends with code 0 when the stop signal interrupts the start', async () => {
    const program = startProgram(`
      console.log('up');
      await new Promise((_, reject) => {
        const timer = setTimeout(() => {}, 60_000);
        life.signal.addEventListener('abort', () => { clearTimeout(timer); reject(life.signal.reason); });
      });
    `);
    await program.saw('up');
    program.signal('SIGTERM');
    const { code, stdout, stderr } = await program.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(messages(stdout)).not.toContain('could not start');
  });
});

describe('a process that fails', () => {
  test('for its settings prints one line per fault, without a stack, and ends with code 1', async () => {
    const program = startProgram(
      `
      readSettings(process.env, {
        port: service.port('DEMO_PORT', { doc: 'Where it listens.', default: 1 }),
        database: service.url('DATABASE_URL', { doc: 'The database.', schemes: ['postgres'] }),
      });
    `,
      { DEMO_PORT: 'abc' },
    );
    const { code, stdout, stderr } = await program.ended;
    expect(code).toBe(1);
    expect(stderr).toBe(
      'ordermesh-demo: DEMO_PORT is "abc"; it must be a whole number from 0 to 65535\n' +
        'ordermesh-demo: DATABASE_URL (or DATABASE_URL_FILE) is not set; it must be a URL that starts with postgres://: The database.\n',
    );
    expect(messages(stdout)).toEqual(['starting']);
  });

  test('for a setting that all processes have does so before its body runs', async () => {
    const program = startProgram(`console.log('body');`, {
      DRAIN_TIMEOUT: 'soon',
      LOG_LEVEL: 'loud',
    });
    const { code, stdout, stderr } = await program.ended;
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(
      /^ordermesh-demo: DRAIN_TIMEOUT is "soon".*\nordermesh-demo: LOG_LEVEL is "loud".*\n$/,
    );
  });

  test('for a taken port prints one line with variable and port, and closes what it had', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void holder.close());
    await new Promise((resolve) => holder.once('listening', resolve));
    const { port } = holder.address() as { port: number };
    const program = startProgram(`
      ${resource('first')}
      await serveAdmin({ host: '127.0.0.1', port: ${port}, portVariable: 'DEMO_ADMIN_PORT', life });
    `);
    const { code, stdout, stderr } = await program.ended;
    expect(code).toBe(1);
    expect(stderr).toBe(`ordermesh-demo: DEMO_ADMIN_PORT: 127.0.0.1:${port} is already in use\n`);
    expect(stdout).toContain('closed first');
  });

  test('for any other error at start logs it once and ends with code 1', async () => {
    const program = startProgram(`throw new Error('no schema');`);
    const { code, stdout, stderr } = await program.ended;
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    const last = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    expect(last).toMatchObject({
      level: 'error',
      msg: 'could not start',
      err: { message: 'no schema' },
    });
  });

  test('does not let a failing disposal hide the error before it', async () => {
    const program = startProgram(`
      ${resource('broken', "throw new Error('close failed')")}
      throw new Error('no schema');
    `);
    const { code, stdout } = await program.ended;
    expect(code).toBe(1);
    const errors = stdout.split('\n').filter((line) => line.includes('could not start'));
    expect(errors.map((line) => JSON.parse(line).err.message)).toEqual([
      'no schema',
      'close failed',
    ]);
  });

  test.each([
    ['uncaught exception', `setImmediate(() => { throw new Error('boom'); });`],
    ['unhandled rejection', `Promise.reject(new Error('boom'));`],
  ])('by an %s logs it as fatal and ends with code 1', async (msg, statement) => {
    const program = startProgram(`${statement} await life.stopping;`);
    const { code, stdout, stderr } = await program.ended;
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    const last = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    expect(last).toMatchObject({ level: 'fatal', msg, err: { message: 'boom' } });
  });
});
