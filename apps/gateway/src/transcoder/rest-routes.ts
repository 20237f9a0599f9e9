import {
  type DescField,
  type DescMessage,
  type DescMethodUnary,
  getOption,
} from '@bufbuild/protobuf';
import { type HttpRule, httpAnswer, httpRule } from '@ordermesh/contract';
import { type PathTemplate, parseTemplate, variables } from './path-template.ts';
import { type QueryParameters, queryParameters } from './query-parameters.ts';

/** The HTTP methods that annotations name. */
export type Verb = 'GET' | 'PUT' | 'POST' | 'DELETE' | 'PATCH';

/** A field whose value is the whole body. */
export type BodyField = DescField & {
  readonly fieldKind: 'message';
  readonly message: DescMessage;
};

/** One REST route, compiled from a method's annotations. */
export interface RestRoute {
  readonly method: DescMethodUnary;
  readonly verb: Verb;
  readonly template: PathTemplate;
  /** What the body is: the request message (`body: "*"`), one message field of it (`body: "item"`), or nothing. */
  readonly body: 'message' | BodyField | undefined;
  /** All fields that neither the path nor the body sets. */
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
  const { pattern } = rule;
  if (!pattern.case) throw new Error(`${method}: only get, put, post, delete and patch`);
  const template = parseTemplate(pattern.value, method.input);
  const answer = getOption(method, httpAnswer);
  const body = bodyOf(method, rule.body);
  const bound = [...variables(template), ...(typeof body === 'object' ? [[body] as const] : [])];
  return {
    method,
    verb: pattern.case.toUpperCase() as Verb,
    template,
    body,
    query: body === 'message' ? new Map() : queryParameters(method.input, bound),
    status: answer.status || 200,
    location: answer.location ? parseTemplate(answer.location, method.output) : undefined,
    creates: answer.creates,
    versionField: method.input.fields.find((field) => field.name === 'expected_version'),
  };
}

function bodyOf(method: DescMethodUnary, name: string): RestRoute['body'] {
  if (name === '') return undefined;
  if (name === '*') return 'message';
  const field = method.input.fields.find((candidate) => candidate.name === name);
  if (field?.fieldKind !== 'message')
    throw new Error(`${method}: body must be "*", a message field, or none, not "${name}"`);
  return field;
}
