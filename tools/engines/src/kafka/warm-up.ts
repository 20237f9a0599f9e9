import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../cache/cache-folder.ts';
import { fillOnce } from '../cache/fill-once.ts';
import type { Progress } from '../cache/progress.ts';
import { describeExit, endEngine } from '../engine-process.ts';
import { freePort } from '../free-port.ts';
import { type KafkaRuntime, prepareNode, spawnKafka, startBroker } from './broker.ts';
import { KAFKA_VERSION } from './install.ts';
import { serverProperties } from './properties.ts';

/** What makes a start fast. */
export interface KafkaWarmUp {
  /** A formatted log folder to copy. */
  readonly formatted: string;
  /** The JVM options that use the archive of loaded classes (AppCDS). */
  readonly jvmOptions: readonly string[];
}

const CLUSTER_ID = 'b3JkZXJtZXNoLWVuZ2luZQ'; // any uuid, base64url

/**
 * The cached {@link KafkaWarmUp} of this JVM and class path, made by formatting once and by one run of a broker
 * that writes the archive when it ends (about 6 s). Another JVM or another path could not use it.
 */
export async function warmUpKafka(runtime: KafkaRuntime, progress: Progress): Promise<KafkaWarmUp> {
  const key = createHash('sha256')
    .update(`${runtime.java.home}\n${runtime.java.version}\n${runtime.classPath}`)
    .digest('hex')
    .slice(0, 12);
  const folder = join(cacheFolder(), `kafka-${KAFKA_VERSION}-java-${runtime.java.version}-${key}`);
  await fillOnce(folder, (staging) => fill(staging, runtime), progress.say);
  return {
    formatted: join(folder, 'formatted'),
    jvmOptions: [
      '-Xshare:auto',
      '-Xlog:cds=off',
      `-XX:SharedArchiveFile=${join(folder, 'broker.jsa')}`,
    ],
  };
}

async function fill(staging: string, runtime: KafkaRuntime): Promise<void> {
  const ports = [{ client: await freePort(), controller: await freePort() }];
  const formatted = join(staging, 'formatted');
  const properties = join(staging, 'format.properties');
  writeFileSync(properties, serverProperties(1, ports, formatted));
  const format = ['format', '-t', CLUSTER_ID, '-c', properties];
  const exit = await spawnKafka(runtime, ['-Xmx128m'], 'kafka.tools.StorageTool', format).exited;
  if (exit.code !== 0) throw new Error(describeExit("Kafka's StorageTool", exit));

  const training = join(staging, 'training');
  mkdirSync(training);
  prepareNode(training, 1, ports, formatted);
  const archive = `-XX:ArchiveClassesAtExit=${join(staging, 'broker.jsa')}`;
  const port = ports[0]?.client ?? 0;
  await endEngine(await startBroker(runtime, [archive, '-Xlog:cds=off'], training, port));
  rmSync(training, { recursive: true });
}
