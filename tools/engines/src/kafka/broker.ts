import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EngineProcess, spawnEngine } from '../engine-process.ts';
import type { Java } from '../java/find-java.ts';
import { acceptsConnections, untilEngineReady } from '../ports.ts';
import { type KafkaPorts, serverProperties } from './properties.ts';

/** What every JVM of Kafka is started with. */
export interface KafkaRuntime {
  readonly java: Java;
  readonly classPath: string;
}

/** C1 and the serial collector: a broker is ready in 1.3 s and takes 164 MB. */
const SMALL_JVM = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
const LOG = [
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
];

/** Runs one of Kafka's main classes. */
export function spawnKafka(
  { java, classPath }: KafkaRuntime,
  jvmOptions: readonly string[],
  mainClass: string,
  args: readonly string[],
): EngineProcess {
  return spawnEngine({
    program: java.program,
    args: [...SMALL_JVM, ...LOG, ...jvmOptions, '-cp', classPath, mainClass, ...args],
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
  });
}

/** Starts a broker on `folder/server.properties` and resolves when clients can use it. */
export async function startBroker(
  runtime: KafkaRuntime,
  jvmOptions: readonly string[],
  folder: string,
  port: number,
): Promise<EngineProcess> {
  const options = ['-Xms64m', '-Xmx256m', '-XX:+ExitOnOutOfMemoryError', ...jvmOptions];
  const broker = spawnKafka(runtime, options, 'kafka.Kafka', [join(folder, 'server.properties')]);
  // The client listener opens only when the broker may serve; the controller's opens earlier.
  await untilEngineReady('Kafka', broker, () => acceptsConnections(port));
  return broker;
}

/**
 * Makes `folder` ready for node `id`: its server.properties, and a log folder copied from `formatted` unless
 * there is one (a copy saves the 1.5–4 s of StorageTool).
 */
export function prepareNode(
  folder: string,
  id: number,
  ports: readonly KafkaPorts[],
  formatted: string,
): void {
  const logDir = join(folder, 'log');
  writeFileSync(join(folder, 'server.properties'), serverProperties(id, ports, logDir));
  if (existsSync(join(logDir, 'meta.properties'))) return;
  cpSync(formatted, logDir, { recursive: true });
  const meta = readFileSync(join(formatted, 'meta.properties'), 'utf8')
    .replace(/^node\.id=.*$/m, `node.id=${id}`)
    .replace(/^directory\.id=.*$/m, `directory.id=${directoryId(id)}`);
  writeFileSync(join(logDir, 'meta.properties'), meta);
}

/** A uuid as Kafka writes it, base64url of 16 bytes; unique within the cluster is enough. */
function directoryId(id: number): string {
  return Buffer.from(`ordermesh-node-${id}`.padEnd(16).slice(0, 16)).toString('base64url');
}
