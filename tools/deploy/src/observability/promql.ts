import { parser } from '@prometheus-io/lezer-promql';

/** A series that an expression asks for. */
export interface Selector {
  readonly metric: string;
  readonly matchers: readonly {
    readonly label: string;
    readonly op: string;
    readonly value: string;
  }[];
}

/** What a PromQL expression speaks of. */
export interface Query {
  readonly selectors: readonly Selector[];
  /** Each `by`, `without`, `on`, `ignoring` and `group_left`: its labels, and the metrics of the expression that it stands over. */
  readonly groupings: readonly {
    readonly labels: readonly string[];
    readonly metrics: readonly string[];
  }[];
  /** The labels of its result, as far as a `by` at its root tells; undefined without one. */
  readonly resultLabels: readonly string[] | undefined;
}

type Node = ReturnType<typeof parser.parse>['topNode'];

/** Reads an expression. @throws SyntaxError */
export function parsePromql(expression: string): Query {
  const root = parser.parse(expression).topNode;
  const text = (node: Node) => expression.slice(node.from, node.to);
  for (const node of descendants(root))
    if (node.type.isError)
      throw new SyntaxError(`no PromQL at character ${node.from}: ${expression}`);
  const selectorOf = (node: Node): Selector => ({
    metric: all(node, 'Identifier').map(text)[0] ?? '',
    matchers: all(node, 'UnquotedLabelMatcher').map((matcher) => {
      const [label = '', op = '', value = ''] = children(matcher).map(text);
      return { label, op, value: value.slice(1, -1) };
    }),
  });
  const metricsUnder = (node: Node) =>
    all(node, 'VectorSelector').map((selector) => selectorOf(selector).metric);
  const labelsUnder = (node: Node) => all(node, 'LabelName').map(text);
  const modifiers = [...all(root, 'AggregateModifier'), ...all(root, 'MatchingModifierClause')];
  return {
    selectors: all(root, 'VectorSelector').map(selectorOf),
    groupings: modifiers.map((node) => ({
      labels: labelsUnder(node),
      metrics: metricsUnder(node.parent ?? root),
    })),
    resultLabels: all(root, 'AggregateModifier').map(labelsUnder)[0],
  };
}

const children = (node: Node): Node[] => {
  const found: Node[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) found.push(child);
  return found;
};

const descendants = (node: Node): Node[] =>
  children(node).flatMap((child) => [child, ...descendants(child)]);

const all = (node: Node, name: string) => descendants(node).filter((one) => one.name === name);
