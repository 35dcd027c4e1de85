import { setTimeout as sleep } from 'node:timers/promises';
import { create, type Message, type MessageInitShape } from '@bufbuild/protobuf';
import { type Any, anyPack, anyUnpack } from '@bufbuild/protobuf/wkt';
import { ConnectError, type HandlerContext } from '@connectrpc/connect';
import type { Asking, ErrorSpec, Header, Schema, StreamDefinition, UnaryDefinition } from './schema.ts';

type Init = MessageInitShape<ReturnType<Schema['message']>>;

/**
 * ConformanceService as its proto file asks for it: each method answers as the first request says, and tells
 * what it was asked and with which headers.
 */
export function conformanceService({ registry, message }: Schema) {
  const payloadOf = message('ConformancePayload');
  const infoOf = message('ConformancePayload.RequestInfo');

  function pack(request: Message): Any {
    return anyPack(registry.getMessage(request.$typeName)!, request);
  }

  function infoAbout({ requestHeader, requestMethod, timeoutMs, url }: HandlerContext, requests: Message[]) {
    const left = timeoutMs();
    const query = [...new URL(url).searchParams].map(([name, value]) => ({ name, value: [value] }));
    return create(infoOf, {
      requestHeaders: [...requestHeader].map(([name, value]) => ({ name, value: [value] })),
      requests: requests.map(pack),
      ...(left !== undefined && { timeoutMs: BigInt(Math.ceil(left)) }),
      ...(requestMethod === 'GET' && { connectGetInfo: { queryParams: query } }),
    } as Init);
  }

  function payload(data: Uint8Array | undefined, requestInfo?: Message): Init {
    const fields = { ...(data && { data }), ...(requestInfo && { requestInfo }) };
    return { payload: create(payloadOf, fields as Init) } as Init;
  }

  function failure({ code, message: text = '', details }: ErrorSpec, info?: Message): ConnectError {
    const given = details.map((detail) => {
      const value = anyUnpack(detail, registry);
      if (value === undefined) throw new Error(`${detail.typeUrl} is unknown`);
      return { desc: registry.getMessage(value.$typeName)!, value };
    });
    const about = info === undefined ? [] : [{ desc: infoOf, value: info }];
    return new ConnectError(text, code, undefined, [...given, ...about]);
  }

  async function one(
    definition: UnaryDefinition | undefined,
    requests: Message[],
    context: HandlerContext,
  ): Promise<Init> {
    decorate(definition, context);
    const info = infoAbout(context, requests);
    await sleep(definition?.responseDelayMs ?? 0);
    const response = definition?.response;
    if (response?.case === 'error') throw failure(response.value, info);
    return payload(response?.case === 'responseData' ? response.value : undefined, info);
  }

  return {
    unary: (request: Asking<UnaryDefinition>, context: HandlerContext) =>
      one(request.responseDefinition, [request], context),

    idempotentUnary: (request: Asking<UnaryDefinition>, context: HandlerContext) =>
      one(request.responseDefinition, [request], context),

    async clientStream(messages: AsyncIterable<Asking<UnaryDefinition>>, context: HandlerContext) {
      const requests: Asking<UnaryDefinition>[] = [];
      for await (const request of messages) requests.push(request);
      return one(requests[0]?.responseDefinition, requests, context);
    },

    async *serverStream(request: Asking<StreamDefinition>, context: HandlerContext) {
      const { responseDefinition: definition } = request;
      decorate(definition, context);
      const info = infoAbout(context, [request]);
      const { responseData = [], responseDelayMs = 0, error } = definition ?? {};
      for (const [index, data] of responseData.entries()) {
        await sleep(responseDelayMs);
        yield payload(data, index === 0 ? info : undefined);
      }
      if (error !== undefined) throw failure(error, responseData.length === 0 ? info : undefined);
    },

    async *bidiStream(messages: AsyncIterable<Asking<StreamDefinition>>, context: HandlerContext) {
      let first: Asking<StreamDefinition> | undefined;
      /** Those that no response has told of. */
      let untold: Message[] = [];
      let sent = 0;
      for await (const request of messages) {
        untold.push(request);
        if (first === undefined) {
          first = request;
          decorate(first.responseDefinition, context);
        }
        if (!first.fullDuplex) continue;
        const { responseData = [], responseDelayMs = 0 } = first.responseDefinition ?? {};
        if (sent >= responseData.length) break;
        const info = infoAbout(context, untold);
        untold = [];
        await sleep(responseDelayMs);
        yield payload(responseData[sent++], info);
      }
      const { responseData = [], responseDelayMs = 0, error } = first?.responseDefinition ?? {};
      const info = infoAbout(context, untold);
      for (; sent < responseData.length; sent++) {
        await sleep(responseDelayMs);
        yield payload(responseData[sent], sent === 0 ? info : undefined);
      }
      if (error !== undefined) throw failure(error, responseData.length === 0 ? info : undefined);
    },
  };
}

/** Sets the headers and trailers that are asked for. */
function decorate(
  definition: UnaryDefinition | StreamDefinition | undefined,
  { responseHeader, responseTrailer }: HandlerContext,
): void {
  append(responseHeader, definition?.responseHeaders);
  append(responseTrailer, definition?.responseTrailers);
}

function append(to: Headers, headers: readonly Header[] = []): void {
  for (const { name, value } of headers) for (const each of value) to.append(name, each);
}
