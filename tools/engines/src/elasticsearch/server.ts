import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { canSetPriv, type EngineProcess, spawnEngine } from '../engine-process.ts';
import type { Java } from '../java/find-java.ts';
import { untilEngineReady } from '../ports.ts';
import { chooseRunAs } from '../postgres/run-as.ts';
import { readPort, writeConfiguration } from './configuration.ts';

/** A node that answers. */
export interface ElasticsearchServer {
  readonly process: EngineProcess;
  readonly port: number;
}

/** Starts the server of `home` on the data below `folder`; resolves when the cluster is at least yellow. */
export async function startServer(
  home: string,
  java: Java,
  folder: string,
  port: number,
): Promise<ElasticsearchServer> {
  if (process.getuid?.() === 0 && !canSetPriv()) {
    throw new Error(
      'Elasticsearch refuses to run as root, and `setpriv` (package util-linux) is missing to switch user: start as a normal user, or set ELASTICSEARCH_URL',
    );
  }
  const runAs = chooseRunAs([home, java.home, folder]);
  const folders = writeConfiguration(home, folder, port);
  const pidFile = join(folders.tmp, 'server.pid');
  rmSync(pidFile, { force: true }); // of a killed run: Elasticsearch would overwrite it too late
  if (runAs.asOther) giveTo(runAs.uid, folder);
  const [program, args] = runAs.command(join(home, 'bin/elasticsearch'), ['-p', pidFile]);
  const launcher = spawnEngine({
    program,
    args,
    endsWithParent: runAs.endsWithParent,
    env: {
      PATH: process.env.PATH,
      HOME: folders.tmp,
      LC_ALL: 'C.UTF-8',
      ES_JAVA_HOME: java.home, // the launcher ignores JAVA_HOME
      ES_PATH_CONF: folders.config,
      ES_TMPDIR: folders.tmp,
      CLI_JAVA_OPTS: '-XX:TieredStopAtLevel=1',
    },
  });
  let listening: number | undefined;
  await untilEngineReady('Elasticsearch', launcher, async () => {
    listening ??= readPort(folders);
    return listening !== undefined && (await isYellow(listening));
  });
  const pid = Number(readFileSync(pidFile, 'utf8'));
  return { process: serverOf(launcher, pid), port: listening ?? 0 };
}

/** What was started is a launcher, which ends when its server does: signals go to the server. */
function serverOf(launcher: EngineProcess, pid: number): EngineProcess {
  let ended = false;
  void launcher.exited.then(() => {
    ended = true;
  });
  return {
    pid,
    exited: launcher.exited,
    signal(name) {
      if (ended) return; // the pid may be someone else's by now
      try {
        process.kill(pid, name);
      } catch {
        // it ended a moment ago
      }
    },
  };
}

/** `GET /` answers 405 on this distribution. */
async function isYellow(port: number): Promise<boolean> {
  const url = `http://127.0.0.1:${port}/_cluster/health?wait_for_status=yellow&timeout=1s`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(3_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

function giveTo(uid: number, folder: string): void {
  const { status, stderr } = spawnSync('chown', ['-R', String(uid), folder], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cannot give ${folder} to user ${uid}: ${stderr.trim()}`);
}
