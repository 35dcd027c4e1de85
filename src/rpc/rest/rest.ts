import { Code, type MethodImplSpec, type ServiceImplSpec } from '@connectrpc/connect';
import { clip, quote } from '../../domain/text.ts';
import { negotiate } from '../transport/answer.ts';
import { endWithAnswer } from '../transport/end-with-answer.ts';
import type { CallableResponse, NodeRequest } from '../transport/node.ts';
import type { Reception } from '../transport/reception.ts';
import { ALIASES } from './aliases.ts';
import { bind, ruleOf } from './binding.ts';
import { REST_FACE } from './face.ts';
import { LINES_TYPE, serveLines } from './lines.ts';
import type { FlowDeps } from './outflow.ts';
import { createPages } from './pages.ts';
import { hiddenPathOf, isEncoded } from './request.ts';
import { RULES } from './rules.ts';
import { serveEvents } from './sse.ts';
import { createTable, type Found, type Route } from './table.ts';
import { type RestCall, serveUnary } from './unary.ts';

export interface RestInit extends FlowDeps {
  readonly begin: Reception;
  readonly mounted: readonly ServiceImplSpec[];
}

/**
 * REST for every method that has a rule (google.api.http): one transcoder for all of them, over their
 * descriptors. Each is the RPC in another dress, with the same guard, rules, errors and log line.
 */
export interface Rest {
  /** Answers a request if its path is one of REST's, whether or not there is anything. Returns whether it does. */
  handle(path: string, request: NodeRequest, response: CallableResponse, openEnded?: () => void): boolean;
  /** What there is, a line each, for whoever looks in the wrong place. */
  readonly endpoints: readonly string[];
}

export function createRest(init: RestInit): Rest {
  const { begin, mounted } = init;
  const routes = routesOf(mounted);
  const table = createTable(routes);
  const pages = createPages();
  const endpoints = [...new Set(routes.map(lineOf))];
  const aliases = ALIASES.map(({ rule }) => aliasLine(rule.pattern)).join(', ');

  return {
    endpoints,
    handle(path, request, response, openEnded) {
      const isRest = path === '/v1' || path.startsWith('/v1/');
      const found = table.find(request.method ?? '', path);
      if (found !== undefined && 'route' in found && isThere(found)) {
        call(found, request, response, openEnded);
        return true;
      }
      if (pages.handle(path, request, response)) return true;
      if (isRest) missRest(path, found, request, response);
      else if (ALIAS_PATH.test(path)) missAlias(found, request, response);
      else return false;
      return true;
    },
  };

  function call(
    { route, values }: Extract<Found, { route: Route }>,
    request: NodeRequest,
    response: CallableResponse,
    openEnded?: () => void,
  ): void {
    const { headers } = request;
    const { spec } = route;
    const mismatch = mismatchOf(route, headers['content-type']);
    if (mismatch !== undefined) {
      route.face.miss(request, response, {
        status: 415,
        code: Code.InvalidArgument,
        reason: 'CONTENT_TYPE_UNSUPPORTED',
        metadata: { contentType: headers['content-type'] ?? '' },
        message: mismatch,
      });
      return;
    }
    const { method } = spec;
    const begun = begin({ method, protocol: 'http', hiddenPath: hiddenPathOf(route) }, request, response);
    if (begun === undefined) return;
    const accepted = headers['accept-encoding'];
    const negotiated = negotiate(
      headers['content-encoding'],
      Array.isArray(accepted) ? accepted.join(', ') : accepted,
    );
    const rest: RestCall = { route, values, call: begun, request, response, negotiated };
    switch (spec.kind) {
      case 'unary':
        serveUnary(init, spec, rest);
        break;
      case 'server_streaming':
        serveEvents(init, spec, rest);
        break;
      case 'bidi_streaming':
        openEnded?.();
        endWithAnswer(response);
        serveLines(init, spec, rest);
        break;
      case 'client_streaming':
        throw new Error('nothing that streams from its caller alone is bound');
      default:
        spec satisfies never;
    }
  }

  function missAlias(found: Found, request: NodeRequest, response: CallableResponse): void {
    const near = ALIASES[0]!.face;
    const message = `there are ${aliases}`;
    if (found !== undefined && 'allow' in found) {
      near.miss(request, response, {
        status: 405,
        code: Code.Unimplemented,
        reason: 'VERB_NOT_ALLOWED',
        metadata: { verb: request.method ?? '' },
        message,
        allow: found.allow,
      });
    } else
      near.miss(request, response, {
        status: 404,
        code: Code.NotFound,
        reason: 'PATH_NOT_FOUND',
        message,
      });
  }
}

/** An alias with an id that cannot be decoded is the path of nothing; in REST that is said of the id. */
function isThere({ route, values }: Extract<Found, { route: Route }>): boolean {
  return route.face === REST_FACE || values.every(isEncoded);
}

/** Every binding of every method, and the aliases. Throws at two that are the same. */
function routesOf(mounted: readonly ServiceImplSpec[]): Route[] {
  const specs = mounted.flatMap(({ methods }) => Object.values(methods));
  const bound = specs.flatMap((spec) => {
    const rule = ruleOf(spec.method, RULES);
    return rule === undefined
      ? []
      : bind(spec.method, rule).map((each): Route => ({ ...each, spec, face: REST_FACE }));
  });
  const aliases = ALIASES.flatMap(({ method, rule, face }) => {
    const spec = specs.find((each: MethodImplSpec) => each.method === method);
    return spec === undefined ? [] : bind(spec.method, rule).map((each): Route => ({ ...each, spec, face }));
  });
  const seen = new Set<string>();
  for (const route of [...bound, ...aliases]) {
    const line = lineOf(route).replaceAll(/\{[^}]*\}/g, '{}');
    if (seen.has(line)) throw new Error(`two methods are at ${line}`);
    seen.add(line);
  }
  return [...bound, ...aliases];
}

function lineOf({ verb, template }: Route): string {
  return `${verb} ${template.text}`;
}

function aliasLine(pattern: { readonly case?: string | undefined; readonly value?: unknown }): string {
  return `${pattern.case?.toUpperCase()} ${String(pattern.value)}`;
}

const ALIAS_PATH = /^\/(?:webhooks|events)(?:\/|$)/;

/** How much of a path is repeated. */
const PATH_LENGTH = 100;

function missRest(path: string, found: Found, request: NodeRequest, response: CallableResponse): void {
  if (found !== undefined && 'allow' in found) {
    const { allow } = found;
    const message = `${found.near.template.text} does not take ${clip(request.method ?? '', PATH_LENGTH)}; it takes ${allow.join(', ')}`;
    REST_FACE.miss(request, response, {
      status: 405,
      code: Code.Unimplemented,
      reason: 'VERB_NOT_ALLOWED',
      metadata: { verb: request.method ?? '' },
      message,
      allow,
    });
    return;
  }
  const message = `there is nothing at ${quote(path, PATH_LENGTH)}; /docs and /openapi.json say what there is`;
  REST_FACE.miss(request, response, { status: 404, code: Code.NotFound, reason: 'PATH_NOT_FOUND', message });
}

/** A form or plain text would do as well, but a page of any site could send those to a local server. */
const JSON_TYPE = /^application\/json[ \t]*(?:;.*)?$/i;
const LINES_TYPES = /^application\/(?:x-ndjson|ndjson|jsonl)[ \t]*(?:;.*)?$/i;

/** What is wrong with the type of a body; undefined when nothing is. A body that may be left out needs none. */
function mismatchOf(
  { verb, template, body, spec }: Route,
  contentType: string | undefined,
): string | undefined {
  if (body === 'none') return undefined;
  const place = `${verb} ${template.text}`;
  if (spec.kind === 'bidi_streaming') {
    if (contentType !== undefined && LINES_TYPES.test(contentType)) return undefined;
    return `${place} takes lines of JSON, with content-type ${LINES_TYPE}`;
  }
  if (contentType === undefined ? body === 'all' : JSON_TYPE.test(contentType)) return undefined;
  const what = body === 'all' ? '' : ` ${/^[aeiou]/.test(body.name) ? 'an' : 'a'} ${body.name} as`;
  return `${place} takes${what} JSON, with content-type application/json`;
}
