import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../cache/cache-folder.ts';
import { fillOnce } from '../cache/fill-once.ts';
import { mavenRepository, runMaven } from '../cache/maven.ts';
import type { Progress } from '../cache/progress.ts';
import { assertSha256 } from '../cache/sha256.ts';
import type { Java } from '../java/find-java.ts';

/** 4.4.0 does not resolve: one of its artefacts is missing. */
export const KAFKA_VERSION = '4.3.1';

/** Of all 46 jars in the order of their names: Maven itself only warns about a wrong checksum. */
const JARS_SHA256 = '9a799a4dc18072de8fed888cac43739681426dc3be2909b8187c816a3b2effef';
const DOWNLOAD_BYTES = 62_000_000;

const DEPENDENCIES = `
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>`;

/** Brings Kafka's jars into the cache and answers their class path, always in the same order. */
export async function installKafka(java: Java, progress: Progress): Promise<string> {
  const folder = join(cacheFolder(), `kafka-${KAFKA_VERSION}`);
  await fillOnce(folder, (staging) => download(staging, java, progress), progress.say);
  return jarsIn(join(folder, 'lib')).join(':');
}

async function download(staging: string, java: Java, progress: Progress): Promise<void> {
  await runMaven({
    goal: 'copy-dependencies',
    args: ['-DincludeScope=runtime', `-DoutputDirectory=${join(staging, 'lib')}`],
    dependencies: DEPENDENCIES,
    label: `Kafka ${KAFKA_VERSION}`,
    totalBytes: DOWNLOAD_BYTES,
    folder: staging,
    java,
    progress,
  });
  await assertSha256('Kafka', jarsIn(join(staging, 'lib')), JARS_SHA256);
  await rm(mavenRepository(staging), { recursive: true });
}

/** Sorted: the archive of loaded classes holds only for the very same class path. */
function jarsIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jar'))
    .sort()
    .map((name) => join(folder, name));
}
