import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { header } from '@ordermesh/contract';
import { isMissing } from '@ordermesh/testing';
import { expect, inject, it } from 'vitest';
import { kafkaFixture } from '../../fixtures/kafka-fixture.ts';

const run = promisify(execFile);
const guide = join(import.meta.dirname, '../../../../docs/consuming.md');

/** Python with the client that the guide names, in a folder of its own: 20 s with nothing cached. */
async function python(folder: string, requirement: string): Promise<string> {
  const bin = join(folder, 'bin/python');
  await run('python3', ['-m', 'venv', folder], { timeout: 60_000 });
  const quiet = ['--quiet', '--disable-pip-version-check', '--only-binary', ':all:'];
  await run(bin, ['-m', 'pip', 'install', ...quiet, requirement], { timeout: 120_000 });
  return bin;
}

// The only test of ours that needs Python, and a package of its registry.
it.skipIf(process.env.SOAK === undefined || isMissing('kafka'))(
  'the Python of docs/consuming.md reads key, value and every header of an event',
  async ({ skip }) => {
    const text = await readFile(guide, 'utf8');
    const program = /```python\n(.*?)```/s.exec(text)?.[1] ?? '';
    const requirement = /`pip install ([^`]+)`/.exec(text)?.[1] ?? '';
    const folder = await mkdtemp(join(tmpdir(), 'ordermesh-python-'));
    try {
      const bin = await python(folder, requirement).catch((error: Error) =>
        skip(`no Python with ${requirement}: ${error.message.split('\n')[0]}`),
      );
      const brokers = inject('kafkaBrokers');
      await using kafka = await kafkaFixture(brokers);
      const row = kafka.rows.next(kafka.rows.orderIn(2), {
        traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        tracestate: 'vendor=1',
      });
      const raw = kafka.rows.next(row.streamId, { type: 'OrderLost', data: '{}' });
      await kafka.publish([row, raw]);
      const env = {
        ...process.env,
        KAFKA_BROKERS: brokers,
        TOPIC: kafka.topic,
        GROUP: kafka.topic,
      };
      const { stdout } = await run(bin, ['-c', program], { env, timeout: 120_000 });

      const [message, next] = stdout.split(/^(?=\d)/m);
      const [first, ...lines] = (message ?? '').trimEnd().split('\n');
      expect(first).toMatch(new RegExp(`^2 ${row.streamId} \\d+ bytes$`));
      const { error, ...usual } = header;
      expect(lines.map((line) => line.trim().split(' ')[0])).toEqual(Object.values(usual).sort());
      expect(lines).toContain(`  ${header.id} ${row.eventId}`);
      expect(lines).toContain(`  ${header.tracestate} vendor=1`);
      expect(next).toContain(`  ${error} UNKNOWN_EVENT_TYPE\n`);
      expect(next).toContain(`  ${header.prev} ${row.position}\n`);
      for (const name of Object.values(header)) expect(text).toContain(`\`${name}\``);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
  300_000,
);
