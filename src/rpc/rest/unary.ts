import { create } from '@bufbuild/protobuf';
import type { ConnectError } from '@connectrpc/connect';
import { type Negotiated, writeJson } from '../transport/answer.ts';
import type { Call } from '../transport/call.ts';
import type { CallableResponse, NodeRequest } from '../transport/node.ts';
import { PlainCall, type PlainDeps } from '../transport/plain-call.ts';
import type { UnarySpec } from '../transport/unary-json.ts';
import { type Progress, readRequest } from './request.ts';
import type { Route } from './table.ts';

/** A call of a route, on its way to its handler. */
export interface RestCall {
  readonly route: Route;
  readonly values: readonly string[];
  readonly call: Call;
  readonly request: NodeRequest;
  readonly response: CallableResponse;
  readonly negotiated: Negotiated;
}

export interface RestDeps extends PlainDeps {
  readonly messageBytesMax: number;
}

/** Answers a route whose method is unary. */
export function serveUnary(deps: RestDeps, spec: UnarySpec, rest: RestCall): void {
  const { route, call, request, response, negotiated } = rest;
  const progress: Progress = { reading: false };
  const codec = negotiated.response;
  const tell = (error: ConnectError) => {
    const { reading } = progress;
    const conditional = request.headers['if-match'] !== undefined;
    writeJson(response, { ...route.face.failure(error, { reading, conditional }), codec });
  };
  const plain = new PlainCall(deps, { call, method: spec.method, request, response, tell });

  async function answer(): Promise<void> {
    const { messageBytesMax } = deps;
    const message = await readRequest({ ...rest, binding: route, messageBytesMax }, progress);
    plain.checkTimeout();
    const admitted = call.admit!(message);
    if (admitted !== undefined) await admitted;
    if (plain.ended) return;
    const { output: type } = spec.method;
    const output = create(type, await spec.impl(message, plain));
    if (plain.ended) return;
    const written = route.face.present(type, output, request);
    if (!plain.finish()) return;
    const headers = { ...plain.sentHeaders(), ...written.headers };
    writeJson(response, { ...written, headers, codec, outgoing: call.outgoing });
  }
  answer()
    .catch((reason: unknown) => plain.fail(reason))
    .finally(() => call.incoming?.end());
}
