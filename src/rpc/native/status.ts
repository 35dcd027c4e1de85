import { Code, ConnectError } from '@connectrpc/connect';
import { setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import type { Metadata, ServerInterceptingCallInterface } from '@grpc/grpc-js';
import { tooLarge } from '../body.ts';
import { ENVELOPE_BYTES } from '../intake.ts';

/** How a call ends, as grpc-js takes it. */
export type Status = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

/** grpc-js, which is loaded only when this port is listened on. */
export type NewMetadata = () => Metadata;

/**
 * The status of a call that failed, with the details that our other port sends. Throws at a message that
 * is not well-formed and at trailers that gRPC has no way to send.
 */
export function statusOf(error: ConnectError, trailer: Headers | undefined, fresh: NewMetadata): Status {
  const fields = setTrailerStatus(new Headers(trailer), error);
  fields.delete('grpc-status');
  fields.delete('grpc-message');
  const code: number = error.code;
  return { code, details: error.rawMessage, metadata: toMetadata(fields, fresh) };
}

/** Raises what grpc-js does when a handler sets a header that gRPC has no way to send. */
export function toMetadata(headers: Headers, fresh: NewMetadata): Metadata {
  const metadata = fresh();
  for (const [name, value] of headers) {
    if (!name.endsWith('-bin')) metadata.add(name, value);
    else for (const each of value.split(',')) metadata.add(name, Buffer.from(each.trim(), 'base64'));
  }
  return metadata;
}

export function fromMetadata(metadata: Metadata): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(metadata.toHttp2Headers())) {
    for (const value of Array.isArray(values) ? values : [values]) headers.append(name, String(value));
  }
  return headers;
}

/**
 * What grpc-js ends a call with on its own, in the words of our other port. It tells its reasons apart
 * in its messages alone; one that is not known here keeps its code and its message.
 */
export function fromGrpcJs(status: Status, messageBytesMax: number): ConnectError {
  const code: number = status.code ?? Code.Unknown;
  const details = status.details ?? '';
  if (details.startsWith('Received message larger')) return tooLarge(messageBytesMax + ENVELOPE_BYTES);
  if (details.startsWith('Received message that decompresses')) {
    const message = `message is larger than configured readMaxBytes ${messageBytesMax} after decompression`;
    return new ConnectError(message, Code.ResourceExhausted);
  }
  if (details === 'Failed to decompress message') {
    return new ConnectError('decompression failed', Code.InvalidArgument);
  }
  return new ConnectError(details, code);
}
