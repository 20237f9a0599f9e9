import { describe, expect, test } from 'vitest';
import { runChild } from './run-child.ts';

const report = `
  const { metricsText, selfCheck } = await import('@ordermesh/telemetry');
  const patched = await selfCheck();
  const line = (await metricsText()).split('\\n').find((one) => one.startsWith('ordermesh_telemetry_grpc_patched'));
  console.log(JSON.stringify({ patched, line }));
`;

/** The report is the last line: log lines may come before it. */
const reported = (stdout: string) => JSON.parse(stdout.trim().split('\n').at(-1) ?? '');

describe('selfCheck()', () => {
  test('is true under the preload, and exported as 1', async () => {
    const { stdout } = await runChild(report);
    expect(reported(stdout)).toEqual({ patched: true, line: 'ordermesh_telemetry_grpc_patched 1' });
  });

  test('is false, logged and exported as 0 when grpc-js was imported before the preload', async () => {
    const { stdout } = await runChild(
      `await import('@grpc/grpc-js'); await import('@ordermesh/telemetry/register'); ${report}`,
      { preload: false },
    );
    expect(stdout).toContain('grpc-js was imported before its instrumentation');
    expect(reported(stdout)).toEqual({
      patched: false,
      line: 'ordermesh_telemetry_grpc_patched 0',
    });
  });

  test('is false without the preload', async () => {
    const { stdout } = await runChild(report, { preload: false });
    expect(reported(stdout)).toEqual({ patched: false });
  });
});
