import { parsePromql } from './promql.ts';
import type { AlertingRule } from './rule-files.ts';

const severities = ['critical', 'warning'];

/** What an alert lacks for whoever is called by it, one line each. Which metrics it may name, `queryFaults` tells. */
export function alertFaults({
  alert,
  expr,
  labels = {},
  annotations = {},
}: AlertingRule): string[] {
  const { severity = '' } = labels;
  const { summary = '', runbook_url: runbook = '' } = annotations;
  // An aggregation leaves what its `by` names; without one every label of the series is there.
  const left = parsePromql(expr).groupings.flatMap(({ labels }) => labels);
  const named = [...summary.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
  const lost = named.filter((label) => left.length > 0 && !left.includes(label));
  return [
    ...(severities.includes(severity) ? [] : [`${alert} has the severity "${severity}"`]),
    ...(summary === '' ? [`${alert} has no summary`] : []),
    ...(runbook.startsWith('docs/runbook.md#')
      ? []
      : [`${alert} links to no section of the runbook`]),
    ...lost.map((label) => `${alert} names ${label}, which its expression does not leave`),
  ];
}

/** The alerts without a section in the runbook, and the sections without an alert, one line each. */
export function runbookFaults(alerts: readonly AlertingRule[], runbook: string): string[] {
  const sections = [...runbook.matchAll(/^## (.+)$/gm)].map(([, title = '']) => title);
  const linked = new Map(
    alerts.map(({ alert, annotations }) => [annotations?.runbook_url?.split('#')[1], alert]),
  );
  const anchors = sections.map((title) => title.toLowerCase().replaceAll(' ', '-'));
  return [
    ...[...linked]
      .filter(([anchor]) => anchor === undefined || !anchors.includes(anchor))
      .map(([, alert]) => `${alert} has no section`),
    ...sections
      .filter((_, i) => !linked.has(anchors[i]))
      .map((title) => `the section ${title} is of no alert`),
  ];
}
