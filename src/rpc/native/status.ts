import type { DescMethod } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import type { Metadata, ServerInterceptingCallInterface } from '@grpc/grpc-js';
import { ENVELOPE_BYTES } from '../transport/decode.ts';
import { STREAM_MESSAGE } from '../transport/decode-stream.ts';
import { badCompression, tooLarge, tooLargeInside, wentAway } from '../transport/failures.ts';

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
  // Connect keeps it to itself, and gRPC asks for it where a compression is not known.
  const accepted = error.metadata.get('grpc-accept-encoding');
  if (accepted !== null) fields.set('grpc-accept-encoding', accepted);
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

/** Metadata whose binary values are sent without padding, as gRPC asks ("Custom-Metadata"); grpc-js pads them. */
export function unpadded(Base: typeof Metadata): NewMetadata {
  class Unpadded extends Base {
    override clone(): Metadata {
      const copy = new Unpadded(this.getOptions());
      copy.merge(this);
      return copy;
    }

    override toHttp2Headers(): ReturnType<Metadata['toHttp2Headers']> {
      const headers = super.toHttp2Headers();
      for (const [name, value] of Object.entries(headers)) {
        if (!name.endsWith('-bin')) continue;
        headers[name] = Array.isArray(value) ? value.map(withoutPadding) : withoutPadding(String(value));
      }
      return headers;
    }
  }
  return () => new Unpadded();
}

function withoutPadding(base64: string): string {
  return base64.replace(/=+$/, '');
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
  // It says so when it cannot write, of which there is one cause: there is nobody to write to.
  if (details === 'Internal server error') return { error: wentAway(), reading: false };
  return { error: new ConnectError(details, code), reading: false };
}

function isStreamed({ methodKind }: DescMethod): boolean {
  return methodKind === 'client_streaming' || methodKind === 'bidi_streaming';
}
