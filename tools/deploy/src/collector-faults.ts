import { parse } from 'yaml';

const kinds = ['receivers', 'processors', 'exporters'] as const;

interface Declared {
  readonly [kind: string]: Readonly<Record<string, unknown>> | undefined;
}

interface Service {
  readonly extensions?: readonly string[];
  readonly pipelines?: Readonly<
    Record<string, Readonly<Partial<Record<(typeof kinds)[number], readonly string[]>>>>
  >;
}

/** What does not fit together in a collector's configuration; one line each. The collector itself would refuse to start. */
export function collectorFaults(text: string): string[] {
  const { service = {}, ...declared } = parse(text) as Declared & { readonly service?: Service };
  const { extensions = [], pipelines = {} } = service;
  const used = [
    ...extensions.map((name) => ({ kind: 'extensions', name, by: 'service' })),
    ...Object.entries(pipelines).flatMap(([pipeline, parts]) =>
      kinds.flatMap((kind) => (parts[kind] ?? []).map((name) => ({ kind, name, by: pipeline }))),
    ),
  ];
  const unknown = Object.keys(declared)
    .filter((section) => ![...kinds, 'extensions', 'connectors'].includes(section))
    .map((section) => `${section} is no section`);
  const undeclared = used
    .filter(({ kind, name }) => !(name in (declared[kind] ?? {})))
    .map(({ kind, name, by }) => `${by} uses ${name}, which ${kind} does not declare`);
  const unused = ['extensions', ...kinds].flatMap((kind) =>
    Object.keys(declared[kind] ?? {})
      .filter((name) => !used.some((use) => use.kind === kind && use.name === name))
      .map((name) => `${kind} declares ${name}, which nothing uses`),
  );
  const incomplete = Object.entries(pipelines).flatMap(([pipeline, { receivers, exporters }]) =>
    receivers?.length && exporters?.length ? [] : [`${pipeline} needs a receiver and an exporter`],
  );
  const none = Object.keys(pipelines).length === 0 ? ['there is no pipeline'] : [];
  return [...unknown, ...undeclared, ...unused, ...incomplete, ...none];
}
