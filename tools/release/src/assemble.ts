// node tools/release/src/assemble.ts APP TARGET: puts the files of one process, of the workspace in the current folder, into a new folder.
// The Dockerfile runs it; it imports nothing but Node.
import { assembleImage } from './assemble-image.ts';

const [app, target] = process.argv.slice(2);
if (app === undefined || target === undefined) {
  console.error('usage: node tools/release/src/assemble.ts APP TARGET');
  process.exit(1);
}
const { members, packages } = assembleImage({ root: process.cwd(), app, target });
console.log(`${app}: ${members.length} members of the workspace, ${packages.length} packages`);
