// `npm run bench -- NAME`: measures and prints a Markdown table. The rules are in bench/README.md.
import { readYourWrite } from './read-your-write.ts';

const benches: Readonly<Record<string, () => Promise<void>>> = {
  'read-your-write': readYourWrite,
};

const name = process.argv[2] ?? '';
const bench = benches[name];
if (bench === undefined) {
  console.error(`npm run bench -- NAME, with NAME one of: ${Object.keys(benches).join(', ')}`);
  process.exitCode = 1;
} else {
  await bench();
}
