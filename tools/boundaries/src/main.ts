// `npm run check:boundaries`, for the workspace in the current folder.
import { boundaryFaults } from './boundary-faults.ts';
import { countLines, longFileFaults, repositoryFiles } from './long-files.ts';
import { projectGraph } from './project-graph.ts';

const root = process.cwd();
const { projects, edges } = projectGraph(root);
const files = repositoryFiles(root);
const faults = [
  ...boundaryFaults(projects, edges),
  ...longFileFaults(files, (path) => countLines(root, path)),
];
for (const fault of faults) console.error(`boundaries: ${fault}`);
if (faults.length > 0) process.exitCode = 1;
else console.log(`boundaries: ${projects.length} projects, ${edges.length} edges, all allowed`);
