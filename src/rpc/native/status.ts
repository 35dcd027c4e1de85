import type { DescMethod } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import type { Metadata, ServerInterceptingCallInterface } from '@grpc/grpc-js';
import { quote } from '../../domain/text.ts';
import { protocolError } from '../error-info.ts';
import { STREAM_MESSAGE } from '../transport/decode-stream.ts';
import { badCompression, tooLarge, tooLargeInside } from '../transport/failures.ts';
import { ENVELOPE_BYTES } from '../transport/framing.ts';

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

/** Why grpc-js would end a call. */
export interface Failure {
  readonly error: ConnectError;
  /** It is a message of the caller that cannot be read. What came before it can still be answered. */
  readonly reading: boolean;
}

/**
 * What grpc-js ends a call with on its own, in the words of our other port. It tells its reasons apart
 * in its messages alone; one that is not known here keeps its code and its message.
 */
export function fromGrpcJs(status: Status, method: DescMethod, messageBytesMax: number): Failure {
  const code: number = status.code ?? Code.Unknown;
  const details = status.details ?? '';
  if (details.startsWith('Received message larger')) {
    const error = isStreamed(method)
      ? tooLarge(messageBytesMax, STREAM_MESSAGE)
      : tooLarge(messageBytesMax + ENVELOPE_BYTES);
    return { error, reading: true };
  }
  if (details.startsWith('Received message that decompresses')) {
    return { error: tooLargeInside(messageBytesMax), reading: true };
  }
  if (details === 'Failed to decompress message') {
    return { error: badCompression(), reading: true };
  }
  const [, encoding] = /^Received message compressed with unsupported encoding "(.*)"$/s.exec(details) ?? [];
  if (encoding !== undefined) {
    const message = `unknown compression ${quote(encoding)}: supported encodings are gzip,deflate`;
    return { error: protocolError('COMPRESSION_UNSUPPORTED', message), reading: true };
  }
  return { error: new ConnectError(details, code), reading: false };
}

function isStreamed({ methodKind }: DescMethod): boolean {
  return methodKind === 'client_streaming' || methodKind === 'bidi_streaming';
}
