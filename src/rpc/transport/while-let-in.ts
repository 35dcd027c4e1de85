import type { Message } from '@bufbuild/protobuf';
import type { HandlerContext, MethodImplSpec } from '@connectrpc/connect';
import type { Door } from '../../domain/access/door.ts';
import { principalOf } from './principal.ts';

/**
 * The implementation of a method whose answers are a stream, which ends with UNAUTHENTICATED before the next answer once
 * its caller would not be let in any more. What a caller sends is judged by the guard. Not for methods that are OPEN.
 */
export function whileLetIn(spec: MethodImplSpec, door: Pick<Door, 'check'>): MethodImplSpec {
  if (spec.kind !== 'server_streaming' && spec.kind !== 'bidi_streaming') return spec;
  const impl = spec.impl as (request: Message, context: HandlerContext) => AsyncIterable<Message>;
  return {
    ...spec,
    async *impl(request: Message, context: HandlerContext) {
      const principal = principalOf(context);
      for await (const answer of impl(request, context)) {
        door.check(principal);
        yield answer;
      }
    },
  } as unknown as MethodImplSpec;
}
