import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { readManifests } from './manifest.ts';
import { committedPrometheusRules, prometheusRules } from './prometheus-rules.ts';
import { committed, hasKubectl, k8s, type Overlay, overlays, render } from './rendering.ts';

const kubectl = hasKubectl();
if (!kubectl)
  console.log('kubectl is not installed: nobody compares deploy/k8s/rendered with its sources');

test.skipIf(!kubectl).each(Object.entries(overlays))(
  'rendered/%s.yaml is what overlays/%s renders to: npm run k8s:render',
  (overlay, folder) => {
    expect(render(`overlays/${folder}`)).toBe(committed(overlay as Overlay));
  },
);

// A start of kubectl for each.
test.skipIf(!kubectl || process.env.K8S_TOOLS === undefined)(
  'each component renders alone on the base',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'ordermesh-component-'));
    try {
      for (const name of readdirSync(join(k8s, 'components'))) {
        // What it adds itself to: traces go to Jaeger by way of the collector.
        const components = (name === 'jaeger' ? ['otel-collector', name] : [name]).map((one) =>
          join(k8s, 'components', one),
        );
        const list = (paths: readonly string[]) =>
          paths.map((path) => `  - ${relative(folder, path)}\n`).join('');
        const text = `resources:\n${list([join(k8s, 'base')])}components:\n${list(components)}`;
        writeFileSync(join(folder, 'kustomization.yaml'), text);
        expect(readManifests(render(folder)).length, name).toBeGreaterThan(0);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

test('the PrometheusRule has the alerts of deploy/observability: npm run k8s:render', () => {
  const committed = committedPrometheusRules();
  expect(prometheusRules() ?? committed).toBe(committed);
});
