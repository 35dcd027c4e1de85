import { create, type Message, type Registry, toJsonString } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import type { ConnectError, MethodImplSpec } from '@connectrpc/connect';
import { codeToHttpStatus, contentTypeUnaryRegExp, errorToJson } from '@connectrpc/connect/protocol-connect';
import { type Negotiated, negotiate, writeJson } from './answer.ts';
import { readBody } from './body.ts';
import { decode, decompress, readQueryMessage } from './decode.ts';
import type { CallableResponse, NodeRequest } from './node.ts';
import { PlainCall, type PlainDeps } from './plain-call.ts';
import type { Reception } from './reception.ts';
import { incomingOf, type Taking } from './room.ts';

export interface UnaryJsonDeps extends PlainDeps {
  readonly begin: Reception;
  readonly messageBytesMax: number;
  /** What may stand in a google.protobuf.Any of an answer. */
  readonly registry: Registry;
}

export type UnarySpec = Extract<MethodImplSpec, { kind: 'unary' }>;

/** A unary method, and whether it may be called with GET. */
export interface UnaryJson {
  /** Whether a request is one of those that are served here. */
  takes(request: NodeRequest): boolean;
  serve(request: NodeRequest, response: CallableResponse): void;
}

/**
 * Serves one method over the Connect protocol in JSON straight from the HTTP request, at a fraction of what
 * streams and iterators cost. What it says and does is what Connect's handlers say and do.
 */
export function unaryJson(deps: UnaryJsonDeps, spec: UnarySpec): UnaryJson {
  const { method } = spec;
  const json = { registry: deps.registry };
  const readable = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  return {
    takes({ method: verb, headers, url = '' }) {
      if (verb === 'POST') return isJson(headers['content-type']);
      return verb === 'GET' && readable && queryOf(url).get('encoding') === 'json';
    },
    serve(request, response) {
      const call = deps.begin({ method, protocol: 'connect' }, request, response);
      if (call === undefined) return;
      const { headers } = request;
      const isGet = request.method === 'GET';
      const encoding = isGet ? queryOf(request.url ?? '').get('compression') : headers['content-encoding'];
      const negotiated = negotiate(encoding ?? undefined, textOf(headers['accept-encoding']));
      const tell = (error: ConnectError) => writeError(response, error, plain.sentHeaders(error), negotiated);
      const plain = new PlainCall(deps, { call, method, request, response, tell });
      answer(plain, request, response, negotiated)
        .catch((reason: unknown) => plain.fail(reason))
        .finally(() => call.incoming?.end());
    },
  };

  async function answer(
    plain: PlainCall,
    request: NodeRequest,
    response: CallableResponse,
    negotiated: Negotiated,
  ): Promise<void> {
    const { call } = plain;
    if (call.refusal !== undefined) throw call.refusal;
    const message =
      request.method === 'GET'
        ? await readQueryMessage(queryOf(request.url ?? ''), method, deps.messageBytesMax, call)
        : await receive(call, request, negotiated);
    if (negotiated.error !== undefined) throw negotiated.error;
    plain.checkTimeout();
    const admitted = call.admit!(message!);
    if (admitted !== undefined) await admitted;
    if (plain.ended) return;
    const output = await spec.impl(message!, plain);
    if (plain.ended) return;
    const text = toJsonString(method.output, create(method.output, output), json);
    if (!plain.finish()) return;
    const { outgoing } = call;
    const headers = plain.sentHeaders();
    writeJson(response, { status: 200, text, headers, codec: negotiated.response, outgoing });
  }

  function writeError(
    response: CallableResponse,
    error: ConnectError,
    headers: Record<string, string>,
    { response: codec }: Negotiated,
  ): void {
    const text = JSON.stringify(errorToJson(error, json));
    writeJson(response, { status: codeToHttpStatus(error.code), text, headers, codec });
  }

  /** Undefined for what is compressed in a way that nobody here knows, which is said after the body was read. */
  async function receive(
    call: Taking,
    request: NodeRequest,
    { request: codec, error }: Negotiated,
  ): Promise<Message | undefined> {
    const { messageBytesMax } = deps;
    const raw = await readBody(request, messageBytesMax, call);
    if (error !== undefined) return undefined;
    const bytes = codec === null ? raw : await decompress(codec, raw, messageBytesMax, incomingOf(call));
    return decode(method, bytes, true, 'the body');
  }
}

function isJson(contentType: string | undefined): boolean {
  if (contentType === 'application/json') return true;
  return (
    contentType !== undefined && contentTypeUnaryRegExp.test(contentType) && !/proto$/i.test(contentType)
  );
}

function queryOf(url: string): URLSearchParams {
  const at = url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
}

function textOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}
