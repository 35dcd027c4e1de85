import { Code, ConnectError } from '@connectrpc/connect';
import { quote } from '../../domain/text.ts';

/**
 * What a protocol tells its caller on its own account, before a message is a message or after its call is
 * over. These are no errors of the domain, which knows neither envelopes nor connections; everything else
 * is a `DomainError` and becomes a ConnectError in `rpc/errors.ts` only.
 */

/** How long a body may take to arrive. */
export const BODY_READ_MS = 30_000;

/** The request is larger than the bytes allowed, its envelope among them; or something else that is said is. */
export function tooLarge(bytesMax: number, what = 'the request'): ConnectError {
  return new ConnectError(`${what} is larger than the ${bytesMax} bytes allowed`, Code.ResourceExhausted);
}

/** A message is larger than the bytes allowed, but only once it is decompressed. */
export function tooLargeInside(bytesMax: number): ConnectError {
  const message = `the message is larger than the ${bytesMax} bytes allowed, once it is decompressed`;
  return new ConnectError(message, Code.ResourceExhausted);
}

/** The request, or something else that is said, did not arrive within `BODY_READ_MS`. */
export function tooSlow(what = 'the request body'): ConnectError {
  return new ConnectError(`${what} did not arrive within ${BODY_READ_MS / 1000} s`, Code.DeadlineExceeded);
}

/** The caller cancelled, or its connection broke. */
export function wentAway(): ConnectError {
  return new ConnectError('the caller went away', Code.Canceled);
}

/** The call has ended well, and whatever still waits for it can stop. */
export function finished(): ConnectError {
  return new ConnectError('the call has ended', Code.Canceled);
}

/** The caller's deadline has passed. In Connect's words, which says it first for some calls. */
export function tooLate(): ConnectError {
  return new ConnectError('the operation timed out', Code.DeadlineExceeded);
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
  return broken('incomplete envelope', protocol === 'connect' ? Code.InvalidArgument : Code.Internal);
}

/** A message says that it is compressed, and the call says with what it is not. In Connect's words. */
export function compressedWithNothing(): ConnectError {
  return new ConnectError('received compressed envelope, but do not know how to decompress', Code.Internal);
}

/** The flags before a message of gRPC are neither 0 nor 1. */
export function strangeFlags(flags: number): ConnectError {
  return broken(`the flags of a message are ${flags}, and can be 0 or 1`, Code.Internal);
}

/** The call names a compression that we do not have. In Connect's words, and with the header that gRPC asks for. */
export function unknownCompression(encoding: string, known: readonly string[]): ConnectError {
  const message = `unknown compression ${quote(encoding)}: supported encodings are ${known.join(',')}`;
  return new ConnectError(message, Code.Unimplemented, { 'grpc-accept-encoding': known.join(',') });
}

/** A method that takes one message got none, or more than one. In Connect's words. */
export function wrongCount(what: string): ConnectError {
  return broken(what, Code.Unimplemented);
}

function broken(what: string, code: Code): ConnectError {
  return new ConnectError(`protocol error: ${what}`, code);
}

/** A message cannot be decompressed. */
export function badCompression(message = 'decompression failed'): ConnectError {
  return new ConnectError(message, Code.InvalidArgument);
}
