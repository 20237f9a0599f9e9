import type { ReleaseOptions } from './release-options.ts';

/** A program with its arguments; no shell reads it. */
export type Command = readonly [program: string, ...args: string[]];

/** Which commit is released. */
export interface Revision {
  readonly commit: string;
  /** Its time, in seconds since 1970: every file and layer is dated by it, so that two builds of one commit are alike. */
  readonly epochSeconds: number;
}

/** Builds and pushes the image of an app, with attestations of its provenance and of what is in it; the digest goes to `metadataFile`. */
export function buildCommand(
  app: string,
  { registry, version, platforms }: ReleaseOptions,
  { commit, epochSeconds }: Revision,
  metadataFile: string,
): Command {
  return [
    'docker',
    ...['buildx', 'build'],
    ...['--build-arg', `APP=${app}`],
    ...['--build-arg', `VERSION=${version}`],
    ...['--build-arg', `REVISION=${commit}`],
    ...['--build-arg', `SOURCE_DATE_EPOCH=${epochSeconds}`],
    ...['--platform', platforms],
    ...['--provenance', 'mode=max'],
    ...['--sbom', 'true'],
    ...['--tag', `${registry}/${app}:${version}`],
    ...['--metadata-file', metadataFile],
    '--push',
    '.',
  ];
}

/** Signs what was pushed: by digest, for a tag could have been moved since. */
export function signCommand(image: string, digest: string): Command {
  return ['cosign', 'sign', '--yes', `${image}@${digest}`];
}

/** As a person would type it. */
export function commandLine(command: Command): string {
  return command
    .map((word) => (/^[\w./:=,@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ');
}
