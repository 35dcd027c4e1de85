import { constants } from 'node:http2';
import { ANSWERED_LINGER_MS } from './body.ts';
import type { CallableResponse } from './node.ts';

/**
 * When the answer is over so is the stream, also for a caller that would go on sending (RFC 9113, section
 * 8.1): the connection could not be closed before that caller stopped.
 */
export function endWithAnswer(response: CallableResponse): void {
  if (!('stream' in response)) return;
  const { stream } = response;
  const end = () => {
    if (stream.destroyed) return;
    // What is not on its way yet would be dropped with the stream.
    if (stream.state.localClose === 1) stream.close(constants.NGHTTP2_NO_ERROR);
    else later();
  };
  const later = () => void setTimeout(end, ANSWERED_LINGER_MS).unref();
  stream.once('wantTrailers', later);
}
