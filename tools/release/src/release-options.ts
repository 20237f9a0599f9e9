import { parseArgs } from 'node:util';

/** What `npm run release` is told. */
export interface ReleaseOptions {
  /** Where images are pushed, `registry.example/shop`; an image is `<registry>/<app>`. */
  readonly registry: string;
  /** `1.2.3`, also a pre-release of it; the images' tag. */
  readonly version: string;
  /** Default: linux/amd64,linux/arm64. */
  readonly platforms: string;
  /** Print what would be run, and run nothing. */
  readonly dryRun: boolean;
}

export const USAGE =
  'npm run release -- --registry HOST/PATH --version X.Y.Z [--platforms linux/amd64,linux/arm64] [--dry-run]';

/** Reads them. @throws with one line for the first argument that is none, or has another form */
export function readReleaseOptions(args: readonly string[]): ReleaseOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      registry: { type: 'string', default: '' },
      version: { type: 'string', default: '' },
      platforms: { type: 'string', default: 'linux/amd64,linux/arm64' },
      'dry-run': { type: 'boolean', default: false },
    },
  });
  const { registry, version, platforms } = values;
  if (!/^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)+$/.test(registry))
    throw new Error(`--registry is "${registry}"; it must be HOST/PATH, without a scheme`);
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?$/.test(version))
    throw new Error(`--version is "${version}"; it must be X.Y.Z`);
  if (!/^linux\/[a-z0-9/]+(,linux\/[a-z0-9/]+)*$/.test(platforms))
    throw new Error(`--platforms is "${platforms}"; it must be linux/ARCH, separated by commas`);
  return { registry, version, platforms, dryRun: values['dry-run'] };
}
