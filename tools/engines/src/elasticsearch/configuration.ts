import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folders of one node, all below one that belongs to the user who runs it. */
export interface NodeFolders {
  readonly config: string;
  readonly data: string;
  readonly logs: string;
  readonly tmp: string;
}

/** Lines of the shipped jvm.options that a small node does without. */
const UNWANTED = /^-Xlog:gc|^-XX:\+HeapDumpOnOutOfMemoryError|^-XX:\+UseG1GC/;

/** With C1 and the serial collector a node is ready in 10–19 s instead of 54, in 370 MB. */
const SMALL_JVM = [
  ...['-Xms512m', '-Xmx512m', '-XX:+UseSerialGC'],
  ...['-XX:TieredStopAtLevel=1', '-XX:-AlwaysPreTouch'],
];

/**
 * Writes the configuration of a single node below `folder`. `port` 0 lets the system choose.
 * An unknown setting would end the node at start.
 */
export function writeConfiguration(home: string, folder: string, port: number): NodeFolders {
  const folders: NodeFolders = {
    config: join(folder, 'config'),
    data: join(folder, 'data'),
    logs: join(folder, 'logs'),
    tmp: join(folder, 'tmp'),
  };
  for (const path of Object.values(folders)) mkdirSync(path, { recursive: true });
  rmSync(portsFile(folders), { force: true }); // of the last run
  copyFileSync(join(home, 'config/log4j2.properties'), join(folders.config, 'log4j2.properties'));
  const shipped = readFileSync(join(home, 'config/jvm.options'), 'utf8').split('\n');
  const options = [...shipped.filter((line) => !UNWANTED.test(line)), ...SMALL_JVM];
  writeFileSync(join(folders.config, 'jvm.options'), `${options.join('\n')}\n`);
  const settings = {
    'cluster.name': 'ordermesh',
    'node.name': 'node-1',
    'discovery.type': 'single-node',
    'network.host': '127.0.0.1',
    'http.port': port,
    'transport.port': 0,
    'node.portsfile': true,
    'path.data': folders.data,
    'path.logs': folders.logs,
    'cluster.routing.allocation.disk.threshold_enabled': false,
    'action.destructive_requires_name': true,
    'xpack.security.enabled': false,
  };
  writeFileSync(
    join(folders.config, 'elasticsearch.yml'),
    Object.entries(settings)
      .map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
      .join(''),
  );
  return folders;
}

/** The port that the node listens on, undefined until it does. */
export function readPort(folders: NodeFolders): number | undefined {
  try {
    const match = /^127\.0\.0\.1:(\d+)$/m.exec(readFileSync(portsFile(folders), 'utf8'));
    return match ? Number(match[1]) : undefined;
  } catch {
    return undefined;
  }
}

const portsFile = ({ logs }: NodeFolders) => join(logs, 'http.ports');
