import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../cache/cache-folder.ts';
import { fillOnce } from '../cache/fill-once.ts';
import { mavenRepository, runMaven } from '../cache/maven.ts';
import type { Progress } from '../cache/progress.ts';
import { assertSha256 } from '../cache/sha256.ts';
import type { Java } from '../java/find-java.ts';

/** One of the few releases whose server is on Maven Central; 9.3.0, 9.5.1 and others are not. */
export const ELASTICSEARCH_VERSION = '9.5.3';

const ZIP_SHA256 = 'bec49f3b8d00e75c8d1cec85c35298635ec9fbd3ae80ef5aeb6bc05abdb3db2d';
const GROUP = 'org.elasticsearch.distribution.integ-test-zip';
const DOWNLOAD_BYTES = 149_000_000;

/** Brings the server into the cache and answers its home: the server core, without a JDK and without modules. */
export async function installElasticsearch(java: Java, progress: Progress): Promise<string> {
  const folder = join(cacheFolder(), `elasticsearch-${ELASTICSEARCH_VERSION}`);
  await fillOnce(folder, (staging) => download(staging, java, progress), progress.say);
  return join(folder, 'home');
}

async function download(staging: string, java: Java, progress: Progress): Promise<void> {
  const unpacked = join(staging, 'unpacked');
  await runMaven({
    goal: 'unpack', // Maven unpacks zips itself and keeps the executable bits: no `unzip` is needed
    args: [
      `-Dartifact=${GROUP}:elasticsearch:${ELASTICSEARCH_VERSION}:zip`,
      `-DoutputDirectory=${unpacked}`,
    ],
    label: `Elasticsearch ${ELASTICSEARCH_VERSION}`,
    totalBytes: DOWNLOAD_BYTES,
    folder: staging,
    java,
    progress,
  });
  const name = `elasticsearch-${ELASTICSEARCH_VERSION}`;
  const inRepository = [...GROUP.split('.'), 'elasticsearch', ELASTICSEARCH_VERSION];
  const zip = join(mavenRepository(staging), ...inRepository, `${name}.zip`);
  await assertSha256('Elasticsearch', [zip], ZIP_SHA256);
  await rename(join(unpacked, name), join(staging, 'home'));
  await rm(unpacked, { recursive: true });
  await rm(mavenRepository(staging), { recursive: true });
}
