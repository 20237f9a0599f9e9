import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canSetPriv } from '../engine-process.ts';
import type { Java } from '../java/find-java.ts';
import { sizeOf } from './folder-size.ts';
import type { Progress } from './progress.ts';

const DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.11.0';

/** One call of the Maven dependency plugin. */
export interface MavenCall {
  /** `copy-dependencies`, `unpack`, … */
  readonly goal: string;
  readonly args: readonly string[];
  /** Named in messages. */
  readonly label: string;
  /** About what it downloads, the plugin included. */
  readonly totalBytes: number;
  /** What the call is about, as `<dependency>` elements; empty when the arguments name it. */
  readonly dependencies?: string;
  /** Where pom.xml and the repository go: an empty folder. */
  readonly folder: string;
  readonly java: Java;
  readonly progress: Progress;
}

/** Where {@link runMaven} puts what it downloads, in Maven's layout: its size is the progress. */
export const mavenRepository = (folder: string) => join(folder, 'repository');

/**
 * Fetches from Maven Central by Maven, because it follows the user's own settings and mirrors. The user's local
 * repository is left alone: two processes must not write to one.
 *
 * @throws when `mvn` is missing or fails, with its first error line.
 */
export async function runMaven(call: MavenCall): Promise<void> {
  const repository = mavenRepository(call.folder);
  using _shown = call.progress.track(call.label, call.totalBytes, () => sizeOf(repository));
  const pom = join(call.folder, 'pom.xml'); // without one, some goals write to the current folder
  writeFileSync(pom, pomOf(call.dependencies ?? ''));
  const args = ['-B', '-ntp', '-q', '-f', pom, `-Dmaven.repo.local=${repository}`];
  const command = ['mvn', ...args, `${DEPENDENCY_PLUGIN}:${call.goal}`, ...call.args];
  // A killed parent must not leave a download that writes into a folder that nobody owns.
  const [program = '', ...rest] = [
    ...(canSetPriv() ? ['setpriv', '--pdeathsig', 'KILL'] : []),
    ...command,
  ];
  const child = spawn(program, rest, {
    env: { ...process.env, JAVA_HOME: call.java.home },
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  const failure = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => {
      if (child.pid === undefined) resolve(error.message);
    });
    child.once('close', (code, signal) => {
      const first = output.split('\n').find((line) => line.includes('[ERROR]')) ?? output;
      resolve(code === 0 ? undefined : first.trim() || `mvn ended with ${signal ?? code}`);
    });
  });
  if (failure === undefined) return;
  if (/ENOENT|failed to execute mvn/.test(failure)) {
    throw new Error('Maven (`mvn`) is not on the PATH');
  }
  throw new Error(`Maven could not fetch it: ${failure.replace('[ERROR] ', '')}`);
}

const pomOf = (dependencies: string) => `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId>
  <artifactId>engine</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>${dependencies}</dependencies>
</project>
`;
