import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { Document, isMap } from 'yaml';
import { withoutReferences } from './variables.ts';

/** A webhook as it stands in a file, and what is said about it there. */
export interface Written {
  readonly id: string;
  readonly json: JsonObject;
  /** Texts that stand for variables, in place of what the same object has: `{ signature: { secret: '${SECRET}' } }`. */
  readonly variables?: Readonly<Record<string, JsonObject>>;
  /** Comments before it, and within it at its end; without `#`. JSON has none. */
  readonly before?: string;
  readonly atEnd?: string;
}

export const FORMATS = ['yaml', 'json'] as const;
export type Format = (typeof FORMATS)[number];

/** One webhook, as a file of its own. */
export function fileText(webhook: Written, format: Format): string {
  return format === 'json' ? jsonText(withVariables(webhook)) : yamlText(webhook);
}

/** Several, in one file: documents of YAML, or a list in JSON. */
export function filesText(webhooks: readonly Written[], format: Format): string {
  if (format === 'json') return jsonText(webhooks.map(withVariables));
  return webhooks.map(yamlText).join('---\n');
}

function jsonText(value: JsonValue): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function yamlText(webhook: Written): string {
  const { before, atEnd } = webhook;
  const document = new Document(withVariables(webhook), { version: '1.2' });
  if (before !== undefined) document.commentBefore = commented(before);
  if (atEnd !== undefined && isMap(document.contents)) document.contents.comment = commented(atEnd);
  return document.toString({ lineWidth: 0 });
}

function commented(text: string): string {
  return text
    .split('\n')
    .map((line) => ` ${line}`)
    .join('\n');
}

function withVariables({ json, variables = {} }: Written): JsonObject {
  const written = literal(json);
  for (const [name, texts] of Object.entries(variables))
    written[name] = { ...(written[name] as JsonObject), ...texts };
  return written;
}

/** A value as a file must have it, so that no text in it is taken for a variable. */
export function literal<T extends JsonValue>(value: T): T {
  if (typeof value === 'string') return withoutReferences(value) as T;
  if (Array.isArray(value)) return value.map(literal) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, literal(inner)])) as T;
}
