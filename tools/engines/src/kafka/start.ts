import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { noProgress, type Progress } from '../cache/progress.ts';
import { dataFolder } from '../data-folder.ts';
import { type EngineNode, type OwnedNode, startNode } from '../engine-node.ts';
import { freePort } from '../free-port.ts';
import { requireJava } from '../java/find-java.ts';
import { assertPortFree } from '../ports.ts';
import { prepareNode, startBroker } from './broker.ts';
import { installKafka, KAFKA_VERSION } from './install.ts';
import type { KafkaPorts } from './properties.ts';
import { warmUpKafka } from './warm-up.ts';

/** What {@link startKafka} takes. */
export interface KafkaOptions {
  /** One broker, or three with replication 3 and two in-sync replicas, as failover needs. Default 1. */
  readonly brokers?: 1 | 3;
  /** TCP port of the first broker on 127.0.0.1; the others follow it. Default: free ones. */
  readonly port?: number;
  /** Keeps the data here across runs. Default: a temporary folder, removed at the end. */
  readonly dataDir?: string;
  /** Told about downloads. Default: nothing. */
  readonly progress?: Progress;
}

/** A running Kafka. Dispose ends all its nodes, at once: one after another they would lose the quorum. */
export interface Kafka extends AsyncDisposable {
  /** What KAFKA_BROKERS takes: `127.0.0.1:<port>`, comma-separated. */
  readonly brokers: string;
  readonly version: string;
  /** The brokers in the order of {@link brokers}; each is a controller too. */
  readonly nodes: readonly EngineNode[];
}

const START_ATTEMPTS = 3;
const MINIMUM_JAVA = 17;

/**
 * Starts Apache Kafka (KRaft) and resolves when every broker accepts clients: 1.5 s for one, 4 s for three; the
 * first time about 25 s more, for the download. Topics are not created by use. It ends when this process dies.
 *
 * @throws when no Java 17 is found, the download fails, a fixed `port` is taken, or a broker ends at start; the
 * first line of the message says what to do.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<Kafka> {
  const { brokers: count = 1, port, progress = noProgress } = options;
  const java = requireJava('Kafka', MINIMUM_JAVA);
  const runtime = { java, classPath: await installKafka(java, progress) };
  const { formatted, jvmOptions } = await warmUpKafka(runtime, progress);

  await using resources = new AsyncDisposableStack();
  const folder = resources.use(dataFolder('kafka', options.dataDir));
  const start = async (ports: readonly KafkaPorts[]): Promise<OwnedNode[]> => {
    const starts = ports.map(async ({ client }, i) => {
      const own = join(folder.path, `node-${i + 1}`);
      mkdirSync(own, { recursive: true });
      prepareNode(own, i + 1, ports, formatted);
      return startNode(() => startBroker(runtime, jvmOptions, own, client));
    });
    const results = await Promise.allSettled(starts);
    const nodes = results.flatMap((r) => (r.status === 'fulfilled' ? [r.value] : []));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed === undefined) return nodes;
    await Promise.all(nodes.map((node) => node.stop()));
    throw failed.reason;
  };
  const { ports, nodes } = await startWithRetries(count, port, start);
  resources.defer(async () => void (await Promise.all(nodes.map((node) => node.stop()))));
  const owned = resources.move();
  return {
    brokers: ports.map(({ client }) => `127.0.0.1:${client}`).join(','),
    version: KAFKA_VERSION,
    nodes,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A free port may be taken before Kafka binds it: that passes by trying again with others. */
async function startWithRetries(
  count: number,
  firstPort: number | undefined,
  start: (ports: readonly KafkaPorts[]) => Promise<OwnedNode[]>,
): Promise<{ ports: readonly KafkaPorts[]; nodes: OwnedNode[] }> {
  for (let attempt = 1; ; attempt++) {
    const ports: KafkaPorts[] = [];
    for (let i = 0; i < count; i++) {
      const client = firstPort === undefined ? await freePort() : firstPort + i;
      if (firstPort !== undefined) await assertPortFree('Kafka', client);
      ports.push({ client, controller: await freePort() });
    }
    try {
      return { ports, nodes: await start(ports) };
    } catch (error) {
      const taken = /Address already in use|Failed to bind/.test((error as Error).message);
      if (!taken || attempt === START_ATTEMPTS) throw error;
    }
  }
}
