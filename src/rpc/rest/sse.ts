import { type DescMessage, type Message, toJsonString } from '@bufbuild/protobuf';
import type { MethodImplSpec } from '@connectrpc/connect';
import { JSON_OPTIONS } from '../transport/answer.ts';
import { answerFlow, type FlowDeps, messagesOf } from './outflow.ts';
import { readRequest } from './request.ts';
import { toRestError } from './status.ts';
import type { RestCall } from './unary.ts';

/**
 * Answers a route whose method streams with Server-Sent Events (WHATWG HTML, section 9.2). Where messages
 * carry a token to go on from, it is the id of their event, which browsers send back as Last-Event-ID; one
 * that carries nothing else is a comment, which is heard and not shown.
 */
export function serveEvents(
  deps: FlowDeps,
  spec: Extract<MethodImplSpec, { kind: 'server_streaming' }>,
  rest: RestCall,
): void {
  const { route, call } = rest;
  const { output: type } = spec.method;
  const { messageBytesMax } = deps;
  answerFlow(
    deps,
    rest,
    {
      contentType: 'text/event-stream',
      write: (message: Message) => eventOf(type, message),
      failure: (error) => `event: error\ndata: ${JSON.stringify(toRestError(error).body)}\n\n`,
      heartbeat: HEARTBEAT,
    },
    async (plain, progress) => {
      const message = await readRequest({ ...rest, binding: route, messageBytesMax }, progress);
      plain.checkTimeout();
      await call.admit!(message);
      call.incoming?.end();
      return messagesOf(type, spec.impl(message, plain));
    },
  );
}

const HEARTBEAT = ': heartbeat\n\n';

function eventOf(type: DescMessage, message: Message): string {
  const token =
    'resumeToken' in message && typeof message.resumeToken === 'string' ? message.resumeToken : '';
  const id = token === '' ? '' : `id: ${token}\n`;
  const saysMore = Object.entries(message).some(
    ([name, value]) => name !== '$typeName' && name !== 'resumeToken' && value !== undefined,
  );
  if (!saysMore && token !== '') return `: heartbeat\n${id}\n`;
  return `${id}data: ${toJsonString(type, message, JSON_OPTIONS)}\n\n`;
}
