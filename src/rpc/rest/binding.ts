import { type DescField, type DescMessage, type DescMethod, getOption, hasOption } from '@bufbuild/protobuf';
import { http } from '../../../gen/google/api/annotations_pb.ts';
import type { HttpRule } from '../../../gen/google/api/http_pb.ts';
import { type FieldPath, fieldAt, parametersOf } from './fields.ts';
import { type PathTemplate, parseTemplate } from './template.ts';

/** One verb on one path, and the method that it calls. */
export interface Binding {
  readonly method: DescMethod;
  /** `GET`, `POST`, `PATCH` … */
  readonly verb: string;
  readonly template: PathTemplate;
  /** Where the values of the template's variables go, in their order. */
  readonly variables: readonly FieldPath[];
  /** What the body is: nothing, all that is not in the path, or one field. */
  readonly body: 'none' | 'all' | DescField;
  /** Query parameters, by the names of their fields. */
  readonly parameters: ReadonlyMap<string, FieldPath>;
  /** Where the etag of a request is, which an If-Match becomes. */
  readonly etag: FieldPath | undefined;
  /** Where the name of a call is, which an Idempotency-Key becomes. */
  readonly requestId: FieldPath | undefined;
  /** Where the token is to go on from, which a Last-Event-ID becomes. */
  readonly resume: FieldPath | undefined;
}

/** What is needed of an HttpRule. */
export type Rule = Pick<HttpRule, 'pattern' | 'body' | 'responseBody' | 'additionalBindings'>;

/** The rule of a method, from its proto file or, for protocols that are not ours, from the table; undefined without one. */
export function ruleOf(method: DescMethod, table: Readonly<Record<string, Rule>> = {}): Rule | undefined {
  if (hasOption(method, http)) return getOption(method, http);
  return table[`${method.parent.typeName}.${method.name}`];
}

/** Binds a method as its rule says. Throws at a rule that this transcoder has no use for. */
export function bind(method: DescMethod, rule: Rule): Binding[] {
  return [rule, ...rule.additionalBindings].map((each) => bindOne(method, each));
}

function bindOne(method: DescMethod, rule: Rule): Binding {
  const what = `${method.parent.typeName}.${method.name}`;
  const { pattern } = rule;
  if (method.methodKind === 'client_streaming') throw new Error(`${what} streams to the server only`);
  if (pattern.case === undefined || pattern.case === 'custom') throw new Error(`${what} has no usual verb`);
  if (rule.responseBody !== '') throw new Error(`${what} answers with a part of its response`);
  const template = parseTemplate(pattern.value);
  const variables = template.segments.flatMap((segment) =>
    'variable' in segment ? [required(method.input, segment.variable, what)] : [],
  );
  const body = bodyOf(method.input, rule.body, what);
  const taken = new Set(variables.map(({ name }) => name));
  if (typeof body === 'object') taken.add(body.name);
  const parameters = body === 'all' ? [] : parametersOf(method.input, taken);
  return {
    method,
    verb: pattern.case.toUpperCase(),
    template,
    variables,
    body,
    parameters: new Map(parameters.map((parameter) => [parameter.name, parameter])),
    etag: etagOf(method.input),
    requestId: fieldAt(method.input, 'request_id'),
    resume: method.methodKind === 'server_streaming' ? fieldAt(method.input, 'resume_token') : undefined,
  };
}

function bodyOf(input: DescMessage, body: string, what: string): Binding['body'] {
  if (body === '') return 'none';
  if (body === '*') return 'all';
  const field = required(input, body, what).fields[0]!;
  if (field.fieldKind !== 'message') throw new Error(`${what} has a body that is not a message`);
  return field;
}

function required(input: DescMessage, path: string, what: string): FieldPath {
  const found = fieldAt(input, path);
  if (found === undefined) throw new Error(`${what} has no ${path} in its request`);
  return found;
}

/** In the request itself, or in the resource that it carries. */
function etagOf(input: DescMessage): FieldPath | undefined {
  const inside = input.fields.find(
    ({ fieldKind, message }) =>
      fieldKind === 'message' && message?.fields.some(({ name }) => name === 'etag'),
  );
  return fieldAt(input, 'etag') ?? (inside && fieldAt(input, `${inside.name}.etag`));
}
