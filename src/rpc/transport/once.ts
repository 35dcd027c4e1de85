import { create, type DescMethod, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { createContextKey, type HandlerContext, type MethodImplSpec } from '@connectrpc/connect';
import type { Control } from '../../control/control.ts';
import type { Principal } from '../../domain/access/principal.ts';
import type { Claim } from '../../domain/claim.ts';
import { systemClock } from '../../domain/clock.ts';
import { invalid } from '../../domain/error.ts';
import { createTurns } from '../../publish/turns.ts';
import { contentOf } from '../canonical.ts';
import { namespaceNamedBy, theNamespace } from '../namespace.ts';
import { note } from './call.ts';
import { principalOf } from './principal.ts';

/** The claim of a call that its caller named, for a handler that heeds it. */
const claimKey = createContextKey<Claim | undefined>(undefined, { description: 'the claim' });

/** The claim under which a handler is called: it may have begun before. Undefined for a call without a name. */
export function claimOf({ values }: Pick<HandlerContext, 'values'>): Claim | undefined {
  return values.get(claimKey);
}

/** The turns of all long work: see `createTurns`. */
const turns = createTurns(systemClock);

/** As the proto files say. */
const REQUEST_ID_LENGTH_MAX = 64;

/** What is read of a request, whatever it is of. */
interface Named {
  readonly requestId: string;
  readonly validateOnly?: boolean;
}

export interface OnceOptions {
  readonly once: Control['once'];
  /** Methods that are not idempotent, and whose handlers find by their claim what they did before. */
  readonly heeding: ReadonlySet<DescMethod>;
}

/**
 * The implementation of a method, done once for each request_id, if its request has that field. A call without one,
 * or which only asks what would be done, is passed on as it is. Raises INVALID for a request_id that is too long, and
 * PERMISSION_DENIED for a namespace that is not the caller's.
 */
export function doneOnce(spec: MethodImplSpec, { once, heeding }: OnceOptions): MethodImplSpec {
  const { method } = spec;
  if (spec.kind !== 'unary' || method.input.field.requestId === undefined) return spec;
  const { input, output } = method;
  const name = `${method.parent.typeName}/${method.name}`;
  const isIdempotent = method.idempotency === MethodOptions_IdempotencyLevel.IDEMPOTENT;
  const resumable = isIdempotent || heeding.has(method);

  async function askOnce(message: Message, requestId: string, context: HandlerContext): Promise<Message> {
    const namespace = namespaceOf(message, principalOf(context));
    const content = await contentOf(input, message, (field) => LEFT_OUT.has(field.name), turns);
    const asking = { namespace, requestId, method: name, content, resumable };
    const { answer, repeated } = await once(asking, async (claim) => {
      context.values.set(claimKey, claim);
      return toBinary(output, await answerTo(message, context));
    });
    note(context, { requestId, ...(repeated && { repeated: 1 }) });
    return fromBinary(output, answer);
  }

  async function answerTo(message: Message, context: HandlerContext): Promise<Message> {
    return create(output, await impl(message, context));
  }

  const { impl } = spec;
  return {
    ...spec,
    impl(message: Message, context: HandlerContext) {
      const { requestId, validateOnly } = message as Message & Named;
      if (requestId === '') return impl(message, context);
      // Handlers that check rules themselves check those of what they are about.
      if (isTooLong(requestId))
        throw invalid('request_id', `must have at most ${REQUEST_ID_LENGTH_MAX} characters`);
      if (validateOnly) return impl(message, context);
      return askOnce(message, requestId, context);
    },
  };
}

/** Where callers who are for all namespaces name calls that are in none: apart from those of a key for `default`. */
const OF_ALL = '';

/** The namespace in which a call has its name. */
function namespaceOf(message: Message, principal: Principal): string {
  const named = namespaceNamedBy(message);
  return named === undefined ? (principal.namespace ?? OF_ALL) : theNamespace(named, principal);
}

/** The name of a call is no part of what it asks for, and its namespace is looked up by. */
const LEFT_OUT: ReadonlySet<string> = new Set(['request_id', 'namespace']);

function isTooLong(requestId: string): boolean {
  return requestId.length > REQUEST_ID_LENGTH_MAX && [...requestId].length > REQUEST_ID_LENGTH_MAX;
}
