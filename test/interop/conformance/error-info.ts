import type { ConnectError } from '@connectrpc/connect';
import { protocolError as explained } from '../../../src/rpc/error-info.ts';

export { CODES, errorInfo, reasonOf } from '../../../src/rpc/error-info.ts';

/** The error of a protocol without its reason. */
export function protocolError(...asked: Parameters<typeof explained>): ConnectError {
  const error = explained(...asked);
  error.details = [];
  return error;
}

/** The error as it is. */
export function withInfo(error: ConnectError): ConnectError {
  return error;
}
