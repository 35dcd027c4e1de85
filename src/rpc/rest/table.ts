import type { MethodImplSpec } from '@connectrpc/connect';
import type { Binding } from './binding.ts';
import type { Face } from './face.ts';
import { type CutPath, cutPath, matchTemplate } from './template.ts';

/** A binding, what implements its method, and how its answers look. */
export interface Route extends Binding {
  readonly spec: MethodImplSpec;
  readonly face: Face;
}

/** What there is at a path. */
export type Found =
  | { readonly route: Route; readonly values: readonly string[] }
  /** Something, but not with this verb: those that there are, and a route that answers for the path. */
  | { readonly allow: readonly string[]; readonly near: Route }
  | undefined;

export interface RouteTable {
  find(verb: string, path: string): Found;
}

/** In the order in which they are named. */
const VERBS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** Finds routes by verb and path. A path with the verb of a template at its end is that one's alone. */
export function createTable(routes: readonly Route[]): RouteTable {
  const byLength = Map.groupBy(routes, ({ template }) => template.segments.length);
  return {
    find(verb, path) {
      const cut = cutPath(path);
      const candidates = byLength.get(cut.parts.length) ?? [];
      const custom = cut.custom === undefined ? [] : matching(candidates, cut, true);
      const all = custom.length > 0 ? custom : matching(candidates, cut, false);
      const wanted = verb === 'HEAD' ? 'GET' : verb;
      const found = all.find(({ route }) => route.verb === wanted && (verb !== 'HEAD' || takesHead(route)));
      if (found !== undefined || all.length === 0) return found;
      const allow = new Set(all.flatMap(({ route }) => (takesHead(route) ? ['GET', 'HEAD'] : [route.verb])));
      return { allow: VERBS.filter((each) => allow.has(each)), near: all[0]!.route };
    },
  };
}

function matching(routes: readonly Route[], cut: CutPath, custom: boolean) {
  return routes.flatMap((route) => {
    if ((route.template.verb !== '') !== custom) return [];
    const values = matchTemplate(route.template, cut);
    return values === undefined ? [] : [{ route, values }];
  });
}

/** What is read with GET can be read with HEAD, unless it never ends. The aliases have never taken it. */
function takesHead({ verb, spec, template }: Route): boolean {
  return verb === 'GET' && spec.kind === 'unary' && template.text.startsWith('/v1/');
}
