import { type ContextValues, createContextValues } from '@connectrpc/connect';
import { ANONYMOUS, type Principal } from '../../src/domain/access/principal.ts';
import { callKey } from '../../src/rpc/transport/call.ts';

/** What a handler sees of a call that the guard let in. */
export function calledBy(principal: Principal = ANONYMOUS): ContextValues {
  return createContextValues().set(callKey, {
    method: 'test.v1.Service/Method',
    protocol: 'connect',
    startedAt: 0,
    hiddenPath: '',
    principal,
    decoded: [],
    address: undefined,
    isSecure: undefined,
    certificate: undefined,
    connection: {},
    fields: {},
  });
}
