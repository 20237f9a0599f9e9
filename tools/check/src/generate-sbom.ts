import { execFileSync } from 'node:child_process';
import { sbomText, withoutOrigin } from './sbom.ts';

/** The bill of materials of the repository at `root`, from its lockfile alone; what is installed has no part in it. */
export function generateSbom(root: string): string {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
  const maxBuffer = 64 * 1024 * 1024;
  const text = execFileSync('npm', args, { cwd: root, encoding: 'utf8', maxBuffer });
  return sbomText(withoutOrigin(JSON.parse(text)));
}
