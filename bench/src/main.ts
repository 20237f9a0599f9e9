// `npm run bench -- NAME [real]`: measures and prints a Markdown table; with `real` on Kafka and Elasticsearch instead of the embedded default.
import { readYourWrite } from './read-your-write.ts';

const benches: Readonly<Record<string, (engines: 'embedded' | 'real') => Promise<void>>> = {
  'read-your-write': readYourWrite,
};

const name = process.argv[2] ?? '';
const bench = benches[name];
if (bench === undefined) {
  console.error(
    `npm run bench -- NAME [real], with NAME one of: ${Object.keys(benches).join(', ')}`,
  );
  process.exitCode = 1;
} else {
  await bench(process.argv[3] === 'real' ? 'real' : 'embedded');
}
