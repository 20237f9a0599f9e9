import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { imageFault } from './image-fault.ts';
import { readDockerfile } from './images/dockerfile.ts';

/**
 * What is wrong with a Dockerfile; one line each.
 * @param context folder that it is built in
 * @param args what `--build-arg` says
 */
export function dockerfileFaults(
  text: string,
  context: string,
  args: Readonly<Record<string, string>> = {},
): string[] {
  const faults: string[] = [];
  const stages = new Set<string>();
  let user = '';
  for (const { name, rest } of readDockerfile(text, args)) {
    if (name === 'FROM') {
      const [image = '', , stage] = rest.split(/\s+/).filter((word) => !word.startsWith('--'));
      const fault = stages.has(image) ? undefined : imageFault(image);
      if (fault !== undefined) faults.push(fault);
      if (stage !== undefined) stages.add(stage);
      user = '';
    } else if (name === 'USER') user = rest;
    else if (name === 'COPY') faults.push(...copyFaults(rest, context, stages));
    else if (name === 'ENTRYPOINT' && !rest.startsWith('['))
      faults.push('ENTRYPOINT runs in a shell, which keeps SIGTERM to itself');
  }
  if (!/^[1-9]\d*:[1-9]\d*$/.test(user))
    faults.push(`USER is "${user}": it must be uid:gid, not root`);
  return faults;
}

function copyFaults(rest: string, context: string, stages: ReadonlySet<string>): string[] {
  const words = rest.split(/\s+/);
  const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
  if (from !== undefined) return stages.has(from) ? [] : [`COPY --from=${from}: no such stage`];
  return words
    .slice(0, -1)
    .filter((path) => !existsSync(join(context, path)))
    .map((path) => `COPY ${path}: there is no such file`);
}
