import type { HandlerContext } from '@connectrpc/connect';
import type { Principal } from '../../domain/access/principal.ts';
import { callKey } from './call.ts';

/** Who makes the call that a handler answers, as the guard established it. */
export function principalOf({ values }: Pick<HandlerContext, 'values'>): Principal {
  const principal = values.get(callKey)?.principal;
  if (principal === undefined) throw new Error('a call has come past the guard');
  return principal;
}
