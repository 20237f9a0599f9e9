// `npm run sbom`, for the repository in the current folder: writes its bill of materials anew.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateSbom } from './generate-sbom.ts';
import { SBOM_FILE } from './sbom.ts';

writeFileSync(join(process.cwd(), SBOM_FILE), generateSbom(process.cwd()));
