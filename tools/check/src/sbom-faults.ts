import type { Lockfile } from './lockfile-faults.ts';
import { SBOM_FILE, type Sbom } from './sbom.ts';

/**
 * How the committed bill of materials differs from the lockfile, one line each: it lists each locked package and member, with the content's hash, once, and nothing else,
 * and says nothing of where it was made.
 */
export function sbomFaults(sbom: Sbom, { packages }: Lockfile): string[] {
  const listed = new Map(
    sbom.components.map((component) => [component['bom-ref'], component.hashes?.[0]?.content]),
  );
  const locked = new Map(
    Object.entries(packages)
      .filter(([path, { link }]) => path !== '' && !link)
      .map(([path, found]) => [refOf(path, found), hashOf(found.integrity)]),
  );
  const faults = [...locked].flatMap(([ref, hash]) => {
    if (!listed.has(ref)) return `lacks ${ref}`;
    return listed.get(ref) === hash ? [] : `has another hash of ${ref}`;
  });
  for (const ref of listed.keys())
    if (!locked.has(ref)) faults.push(`lists ${ref}, which is not locked`);
  if (listed.size < sbom.components.length) faults.push('lists something twice');
  if (sbom.serialNumber !== undefined || sbom.metadata.timestamp !== undefined)
    faults.push('says when it was made');
  if (sbom.components.some(({ externalReferences }) => externalReferences !== undefined))
    faults.push('names addresses');
  return faults.map((fault) => `${SBOM_FILE} ${fault}: run \`npm run sbom\``);
}

function refOf(path: string, { name, version }: Lockfile['packages'][string]): string {
  const folder = path.lastIndexOf('node_modules/');
  const own = folder < 0 ? path : path.slice(folder + 'node_modules/'.length);
  return `${name ?? own}@${version}`;
}

/** npm writes base64, CycloneDX hexadecimal digits. */
function hashOf(integrity: string | undefined): string | undefined {
  return integrity && Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex');
}
