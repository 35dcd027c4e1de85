import { Code, ConnectError } from '@connectrpc/connect';
import { quote } from '../../domain/text.ts';
import { protocolError } from '../error-info.ts';

/**
 * What a protocol tells its caller on its own account, before a message is a message or after its call is
 * over. These are no errors of the domain, which knows neither envelopes nor connections; everything else
 * is a `DomainError` and becomes a ConnectError in `rpc/errors.ts` only.
 */

/** How long a body may take to arrive. */
export const BODY_READ_MS = 30_000;

/** The request is larger than the bytes allowed, its envelope among them; or something else that is said is. */
export function tooLarge(bytesMax: number, what = 'the request'): ConnectError {
  const message = `${what} is larger than the ${bytesMax} bytes allowed`;
  return protocolError('MESSAGE_TOO_LARGE', message, { maxBytes: bytesMax });
}

/** A message is larger than the bytes allowed, but only once it is decompressed. */
export function tooLargeInside(bytesMax: number): ConnectError {
  const message = `the message is larger than the ${bytesMax} bytes allowed, once it is decompressed`;
  return protocolError('MESSAGE_TOO_LARGE', message, { maxBytes: bytesMax });
}

/** The request, or something else that is said, did not arrive within `BODY_READ_MS`. */
export function tooSlow(what = 'the request body'): ConnectError {
  const maxSeconds = BODY_READ_MS / 1000;
  return protocolError('REQUEST_TOO_SLOW', `${what} did not arrive within ${maxSeconds} s`, { maxSeconds });
}

/** The caller cancelled, or its connection broke. */
export function wentAway(): ConnectError {
  return protocolError('CALL_CANCELLED', 'the caller went away');
}

/** The call has ended well, and whatever still waits for it can stop. */
export function finished(): ConnectError {
  return protocolError('CALL_CANCELLED', 'the call has ended');
}

/** The caller's deadline has passed. In Connect's words, which says it first for some calls. */
export function tooLate(): ConnectError {
  return protocolError('DEADLINE_PASSED', 'the operation timed out');
}

/** Why a call has ended: its caller's deadline has passed, or the caller is gone. */
export function whyEnded(signal: AbortSignal): ConnectError {
  return signal.reason instanceof ConnectError ? signal.reason : wentAway();
}

/**
 * The bytes of a request end within a message. In Connect's words, and with its code; servers of gRPC call
 * it internal.
 */
export function cutShort(protocol: string): ConnectError {
  const code = protocol === 'connect' ? Code.InvalidArgument : Code.Internal;
  return protocolError('MALFORMED_REQUEST', 'protocol error: incomplete envelope', {}, code);
}

/** The flags before a message of gRPC are neither 0 nor 1. */
export function strangeFlags(flags: number): ConnectError {
  const message = `protocol error: the flags of a message are ${flags}, and can be 0 or 1`;
  return protocolError('MALFORMED_REQUEST', message, {}, Code.Internal);
}

/** A method that takes one message got none, or more than one. In Connect's words. */
export function wrongCount(what: string): ConnectError {
  return protocolError('WRONG_MESSAGE_COUNT', `protocol error: ${what}`);
}

/** A message cannot be decompressed. */
export function badCompression(message = 'decompression failed'): ConnectError {
  return protocolError('COMPRESSION_BROKEN', message);
}

/**
 * The call names a compression that we do not have. In Connect's words, and with the header that says which we
 * do.
 */
export function unknownCompression(
  encoding: string,
  known: readonly string[],
  acceptHeader: string,
): ConnectError {
  const accepted = known.join(',');
  const message = `unknown compression ${quote(encoding)}: supported encodings are ${accepted}`;
  const error = protocolError('COMPRESSION_UNSUPPORTED', message);
  error.metadata.set(acceptHeader, accepted);
  return error;
}

/** A message says that it is compressed, and nothing said with what. In Connect's words. */
export function unannouncedCompression(): ConnectError {
  const message = 'received compressed envelope, but do not know how to decompress';
  return protocolError('MALFORMED_REQUEST', message, {}, Code.Internal);
}
