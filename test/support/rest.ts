import {
  type DescMessage,
  type DescMethod,
  getOption,
  hasOption,
  type JsonObject,
  type JsonValue,
} from '@bufbuild/protobuf';
import { http } from '../../gen/google/api/annotations_pb.ts';
import type { HttpRule } from '../../gen/google/api/http_pb.ts';

/** A call in HTTP, as google.api.http says. */
export interface RestRequest {
  readonly verb: string;
  /** With its query. */
  readonly path: string;
  readonly body?: JsonValue;
}

/** Health is not ours to annotate. */
const PATHS: Readonly<Record<string, string>> = {
  'grpc.health.v1.Health.Check': '/v1/health',
  'grpc.health.v1.Health.List': '/v1/health:list',
  'grpc.health.v1.Health.Watch': '/v1/health:watch',
};

/** The bindings of a method: the rule and those beside it. */
export function bindingsOf(
  method: DescMethod,
): { readonly verb: string; readonly path: string; readonly body: string }[] {
  const path = PATHS[`${method.parent.typeName}.${method.name}`];
  if (path !== undefined) return [{ verb: 'GET', path, body: '' }];
  if (!hasOption(method, http)) return [];
  const rule = getOption(method, http);
  return [rule, ...rule.additionalBindings].map(({ pattern, body }: HttpRule) => ({
    verb: (pattern.case ?? '').toUpperCase(),
    path: String(pattern.value),
    body,
  }));
}

/**
 * Writes a request in ProtoJSON as a call in HTTP, by the first binding whose variables it has. Not by the
 * code that it is to test: fields go into the path, the body and the query as the comments of
 * google/api/http.proto say.
 */
export function restRequest(method: DescMethod, request: JsonObject): RestRequest {
  const bindings = bindingsOf(method);
  const binding =
    bindings.find(({ path }) => variablesOf(path).every((name) => textAt(request, name) !== '')) ??
    bindings.at(-1);
  if (binding === undefined) throw new Error(`${method.name} is nowhere in REST`);
  const rest = structuredClone(request);
  const path = binding.path.replaceAll(/\{([\w.]+)\}/g, (_, name: string) => {
    const value = textAt(rest, name);
    removeAt(rest, name);
    return encodeURIComponent(value);
  });
  const { verb, body: rule } = binding;
  if (rule === '*') return { verb, path, body: rest };
  const field = camelCase(rule);
  const body = rule === '' ? undefined : (rest[field] ?? {});
  if (rule !== '') delete rest[field];
  const query = new URLSearchParams(parametersOf(method.input, rest, '')).toString();
  return {
    verb,
    path: query === '' ? path : `${path}?${query}`,
    ...(body !== undefined && { body }),
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function variablesOf(path: string): string[] {
  return [...path.matchAll(/\{([\w.]+)\}/g)].map((match) => match[1]!);
}

function parametersOf(type: DescMessage, value: JsonObject, prefix: string): [string, string][] {
  return Object.entries(value).flatMap(([name, each]): [string, string][] => {
    const path = `${prefix}${name}`;
    if (Array.isArray(each)) return each.map((item) => [path, String(item)]);
    if (typeof each !== 'object' || each === null) return [[path, String(each)]];
    const field = type.fields.find(({ jsonName }) => jsonName === name);
    if (field?.fieldKind === 'message') return parametersOf(field.message, each, `${path}.`);
    return Object.entries(each).map(([key, item]) => [`${path}[${key}]`, String(item)]);
  });
}

function textAt(value: JsonObject, path: string): string {
  let inside: JsonValue | undefined = value;
  for (const name of path.split('.')) inside = (inside as JsonObject | undefined)?.[camelCase(name)];
  return typeof inside === 'string' ? inside : '';
}

function removeAt(value: JsonObject, path: string): void {
  const names = path.split('.').map(camelCase);
  let inside: JsonObject = value;
  for (const name of names.slice(0, -1)) inside = inside[name] as JsonObject;
  delete inside[names.at(-1)!];
}

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
