import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { k8s } from './rendering.ts';

const file = join(k8s, 'components/monitoring/prometheus-rules.yaml');

/** The rules of deploy/observability as the Prometheus operator takes them; undefined where there are none. */
export function prometheusRules(): string | undefined {
  const files = globSync(join(k8s, '../observability/rules/*.yaml')).sort();
  if (files.length === 0) return undefined;
  const groups = files.flatMap((path) => parse(readFileSync(path, 'utf8')).groups);
  const rule = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'ordermesh' },
    spec: { groups },
  };
  return `# Made of deploy/observability/rules by \`npm run k8s:render\`.\n${stringify(rule, { lineWidth: 0 })}`;
}

/** As it is committed. */
export function committedPrometheusRules(): string {
  return readFileSync(file, 'utf8');
}

/** Writes it. */
export function writePrometheusRules(): void {
  const text = prometheusRules();
  if (text !== undefined) writeFileSync(file, text);
}
