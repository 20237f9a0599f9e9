import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { canBuildGoTools, coreSchemas, goTool, run } from './go-tools.ts';
import { k8s, overlays } from './rendering.ts';

// Minutes of compiling, the first time.
describe.skipIf(process.env.K8S_TOOLS === undefined || !canBuildGoTools())(
  'the manifests, to others:',
  () => {
    const files = Object.keys(overlays).map((overlay) => join(k8s, 'rendered', `${overlay}.yaml`));

    test('kube-score has nothing to say', { timeout: 900_000 }, () => {
      const kubeScore = goTool('kube-score');
      for (const file of files) {
        const lines = run(kubeScore, ['score', '--output-format', 'ci', file]).split('\n');
        expect(lines.filter((line) => /^\[(CRITICAL|WARNING)\]/.test(line))).toEqual([]);
      }
    });

    test('kubeconform finds every resource of the core strictly valid', {
      timeout: 900_000,
    }, () => {
      const kubeconform = goTool('kubeconform');
      const folder = coreSchemas('1.37.0');
      try {
        const location = join(folder, 'schemas/{{ .ResourceKind }}{{ .KindSuffix }}.json');
        const args = [
          '-strict',
          '-summary',
          '-ignore-missing-schemas',
          '-schema-location',
          location,
        ];
        for (const file of files)
          expect(run(kubeconform, [...args, file])).toMatch(
            /Valid: [1-9]\d*, Invalid: 0, Errors: 0/,
          );
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  },
);
