import { describe, expect, test, vi } from 'vitest';
import type { Logger } from './logger.ts';
import { quietDiag } from './quiet-diag.ts';

describe('quietDiag()', () => {
  test('logs the same message once a minute, and different ones each', () => {
    const warn = vi.fn();
    let now = 0;
    const diag = quietDiag({ warn } as unknown as Logger, () => now);
    diag.error('export failed');
    diag.error('export failed');
    diag.warn('dropped 3 spans');
    expect(warn).toHaveBeenCalledTimes(2);
    now = 60_000;
    diag.error('export failed', new Error('ECONNREFUSED'));
    expect(warn).toHaveBeenCalledTimes(3);
    expect(warn.mock.lastCall).toEqual([
      { err: new Error('ECONNREFUSED') },
      'OpenTelemetry: export failed',
    ]);
  });
});
