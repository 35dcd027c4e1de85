/** A path of the API with variables in it, as google.api.http writes it: `/v1/webhooks/{id}:pause`. */
export interface PathTemplate {
  readonly text: string;
  readonly segments: readonly Segment[];
  /** What stands behind the colon at its end; empty without one. */
  readonly verb: string;
}

export type Segment = { readonly literal: string } | { readonly variable: string };

/**
 * Reads a template. Each variable is one segment. Throws at what this API has no use for: wildcards and
 * variables of several segments.
 */
export function parseTemplate(text: string): PathTemplate {
  const [, path, verb = ''] = /^((?:\/(?:[\w.-]+|\{[a-z_][\w.]*\}))+)(?::(\w+))?$/i.exec(text) ?? [];
  if (path === undefined)
    throw new Error(`${text} is not a path template with segments and {variables} only`);
  const segments = path
    .slice(1)
    .split('/')
    .map((part): Segment => (part.startsWith('{') ? { variable: part.slice(1, -1) } : { literal: part }));
  return { text, segments, verb };
}

/** A path cut into what templates are made of. Nothing is decoded yet. */
export interface CutPath {
  readonly parts: readonly string[];
  /** The last part without what stands behind its last colon, and that; undefined without a colon. */
  readonly custom?: { readonly last: string; readonly verb: string };
}

export function cutPath(path: string): CutPath {
  const parts = path.slice(1).split('/');
  const last = parts.at(-1)!;
  const at = last.lastIndexOf(':');
  return at < 0 ? { parts } : { parts, custom: { last: last.slice(0, at), verb: last.slice(at + 1) } };
}

/**
 * The values of a template's variables in a path, still encoded; undefined when it is another path. A
 * segment that ends in a colon and the verb of a template is that verb: an id that ends so is written with
 * `%3A`, as every program that encodes a path segment writes it.
 */
export function matchTemplate(
  { segments, verb }: PathTemplate,
  { parts, custom }: CutPath,
): string[] | undefined {
  if (segments.length !== parts.length || (verb !== '' && custom?.verb !== verb)) return undefined;
  const values: string[] = [];
  for (const [index, segment] of segments.entries()) {
    const part = verb !== '' && index === parts.length - 1 ? custom!.last : parts[index]!;
    if ('literal' in segment) {
      if (segment.literal !== part) return undefined;
    } else if (part === '') return undefined;
    else values.push(part);
  }
  return values;
}
