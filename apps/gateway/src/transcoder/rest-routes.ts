import { type DescField, type DescMethodUnary, getOption } from '@bufbuild/protobuf';
import { type HttpRule, httpAnswer, httpRule } from '@ordermesh/contract';
import { type PathTemplate, parseTemplate, variables } from './path-template.ts';
import { type QueryParameters, queryParameters } from './query-parameters.ts';

/** The HTTP methods that annotations name. */
export type Verb = 'GET' | 'PUT' | 'POST' | 'DELETE' | 'PATCH';

/** One REST route, compiled from a method's annotations. */
export interface RestRoute {
  readonly method: DescMethodUnary;
  readonly verb: Verb;
  readonly template: PathTemplate;
  /** Whether the request message is the body (`body: "*"`); else all but the path's fields are query parameters. */
  readonly takesBody: boolean;
  readonly query: QueryParameters;
  /** Status of a successful answer. */
  readonly status: number;
  /** `Location` of a successful answer. */
  readonly location: PathTemplate | undefined;
  /** Whether `If-None-Match: *` asks that nothing exists yet. */
  readonly creates: boolean;
  /** The request's `expected_version`, which conditional headers set. */
  readonly versionField: DescField | undefined;
}

/**
 * Compiles all routes of the methods, `additional_bindings` included. There is no other source of routes.
 * @throws Error, at start, for an annotation that cannot be served as it is written
 */
export function restRoutes(methods: readonly DescMethodUnary[]): readonly RestRoute[] {
  return methods.flatMap((method) => {
    const rule = getOption(method, httpRule);
    return [rule, ...rule.additionalBindings].map((binding) => compile(method, binding));
  });
}

function compile(method: DescMethodUnary, rule: HttpRule): RestRoute {
  const { pattern, body } = rule;
  if (!pattern.case || (body !== '' && body !== '*'))
    throw new Error(`${method}: only get, put, post, delete and patch with body "*" or none`);
  const template = parseTemplate(pattern.value, method.input);
  const answer = getOption(method, httpAnswer);
  const takesBody = body === '*';
  return {
    method,
    verb: pattern.case.toUpperCase() as Verb,
    template,
    takesBody,
    query: takesBody ? new Map() : queryParameters(method.input, variables(template)),
    status: answer.status || 200,
    location: answer.location ? parseTemplate(answer.location, method.output) : undefined,
    creates: answer.creates,
    versionField: method.input.fields.find((field) => field.name === 'expected_version'),
  };
}
