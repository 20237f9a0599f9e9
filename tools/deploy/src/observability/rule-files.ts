import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** A rule that records. */
export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

/** A rule that warns. */
export interface AlertingRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Rules of Prometheus, as its files have them. */
export interface Rules {
  readonly recording: readonly RecordingRule[];
  readonly alerting: readonly AlertingRule[];
}

interface RuleFile {
  readonly groups: readonly { readonly rules: readonly (RecordingRule | AlertingRule)[] }[];
}

/** The rules in the text of one file. */
export function parseRules(text: string): Rules {
  const rules = (parse(text) as RuleFile).groups.flatMap((group) => group.rules);
  return {
    recording: rules.filter((rule) => 'record' in rule),
    alerting: rules.filter((rule) => 'alert' in rule),
  };
}

/** All rules of a folder: `*.yaml`, not those of folders in it. */
export function readRules(folder: string): Rules {
  const files = globSync('*.yaml', { cwd: folder }).map((name) =>
    parseRules(readFileSync(join(folder, name), 'utf8')),
  );
  return {
    recording: files.flatMap(({ recording }) => recording),
    alerting: files.flatMap(({ alerting }) => alerting),
  };
}
