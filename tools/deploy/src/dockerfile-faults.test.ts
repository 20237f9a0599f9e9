import { expect, test } from 'vitest';
import { dockerfileFaults } from './dockerfile-faults.ts';

const good = `FROM node:24.21.0 AS sources
ARG APP
COPY package.json \\
  $APP ./

FROM busybox:1.37.0
COPY --from=sources /app /app
USER 10001:10001
ENTRYPOINT ["node"]
`;
const faults = (text: string) =>
  dockerfileFaults(text, import.meta.dirname, { APP: 'compose-file.ts' });
const existing = good.replace('package.json', 'image-fault.ts');

test('a Dockerfile with pinned images, existing sources and a user of its own is fine', () => {
  expect(faults(existing)).toEqual([]);
});

test.each([
  [
    'a source that does not exist',
    'image-fault.ts',
    'image.ts',
    'COPY image.ts: there is no such file',
  ],
  ['a build argument that leads nowhere', '$APP', '$APPX', 'COPY $APPX: there is no'],
  [
    'a stage that does not exist',
    '--from=sources',
    '--from=source',
    '--from=source: no such stage',
  ],
  ['an image without a version', 'node:24.21.0', 'node:lts', 'image node:lts: its tag names no'],
  ['root', 'USER 10001:10001', 'USER 0:0', 'USER is "0:0"'],
  ['no user in the last stage', 'USER 10001:10001\n', '', 'USER is ""'],
  ['a user by name, which Kubernetes cannot check', '10001:10001', 'node', 'USER is "node"'],
  ['a shell around the process', '["node"]', 'node', 'ENTRYPOINT runs in a shell'],
])('%s is a fault', (_what, from, to, fault) => {
  expect(existing).toContain(from);
  expect(faults(existing.replace(from, to)).join('\n')).toContain(fault);
});
