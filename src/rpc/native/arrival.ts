import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { ConnectError, MethodImplSpec, ServiceImplSpec } from '@connectrpc/connect';
import { parseTimeout } from '@connectrpc/connect/protocol-grpc';
import { protocolError } from '../error-info.ts';
import { tooLate, unknownCompression } from '../transport/failures.ts';
import type { CallHead } from '../transport/guard.ts';
import { unknownRpc, unknownRpcMetadata } from '../transport/unknown.ts';
import { detailsOf } from '../transport/wire.ts';

/** A call that has just arrived, before any of its messages. */
export interface Arrival {
  readonly spec: MethodImplSpec;
  /** `carillon.v1.WebhookService/Register`. */
  readonly name: string;
  readonly stream: ServerHttp2Stream;
  readonly head: CallHead;
  /** Whether its messages may be compressed. */
  readonly compressible: boolean;
  /** How long its caller waits for the end of it; undefined for no end. */
  readonly timeoutMs: number | undefined;
  /** What is wrong with it already. */
  readonly refusal: ConnectError | undefined;
}

/** setTimeout fires at once when asked to wait longer, so a longer deadline is none. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** The content types of protobuf over gRPC. */
const GRPC = /^application\/grpc(?:\+proto)?[ \t]*(?:;.*)?$/i;

/**
 * Looks at the head of each call before grpc-js does. Answers requests that are not gRPC and calls of
 * methods that do not exist, and returns undefined for them.
 */
export function receptionist({ mounted }: { readonly mounted: readonly ServiceImplSpec[] }) {
  const described = mounted.map(({ service }) => service);
  const methods = new Map<string, Pick<Arrival, 'spec' | 'name'>>();
  for (const { service, methods: specs } of mounted) {
    for (const spec of Object.values(specs)) {
      const name = `${service.typeName}/${spec.method.name}`;
      methods.set(`/${name}`, { spec, name });
    }
  }

  return {
    methods,
    receive(
      stream: ServerHttp2Stream,
      headers: IncomingHttpHeaders,
      rawHeaders: readonly string[],
    ): Arrival | undefined {
      const contentType = headers['content-type'] ?? '';
      if (!GRPC.test(contentType)) {
        refuseType(stream, contentType);
        return undefined;
      }
      const path = headers[':path'] ?? '';
      const method = methods.get(path);
      if (method === undefined) {
        const message = unknownRpc(path, described);
        refuse(stream, protocolError('METHOD_NOT_FOUND', message, unknownRpcMetadata(path)));
        return undefined;
      }
      if (headers[':method'] !== 'POST') {
        const verb = String(headers[':method']);
        const message = `${method.name} takes POST, not ${verb}`;
        refuse(stream, protocolError('VERB_NOT_ALLOWED', message, { verb }), 'POST');
        return undefined;
      }
      const timeout = takeTimeout(headers);
      const encoding = String(headers['grpc-encoding'] ?? '');
      return {
        ...method,
        stream,
        head: { headers, rawHeaders },
        compressible: encoding !== '' && encoding !== 'identity',
        timeoutMs: timeout.timeoutMs,
        refusal: timeout.error ?? refusalOf(encoding, timeout.timeoutMs),
      };
    },
  };
}

/**
 * Takes the deadline off the headers and keeps it ourselves: grpc-js keeps it in 32 bits, so that a
 * deadline 25 days ahead or more is over at once.
 */
function takeTimeout(headers: IncomingHttpHeaders): ReturnType<typeof parseTimeout> {
  const value = headers['grpc-timeout'];
  if (value === undefined) return {};
  delete headers['grpc-timeout'];
  const timeout = parseTimeout(String(value), Number.POSITIVE_INFINITY);
  return timeout.timeoutMs !== undefined && timeout.timeoutMs > TIMEOUT_MS_MAX ? {} : timeout;
}

/** What grpc-js can decompress. */
const ENCODINGS = ['identity', 'gzip', 'deflate'];

/**
 * A call is refused for a compression that we do not have even if no message uses it (gRPC's "Compression", as
 * Connect reads it), and one whose deadline has passed is not begun.
 */
function refusalOf(encoding: string, timeoutMs: number | undefined): ConnectError | undefined {
  if (encoding !== '' && !ENCODINGS.includes(encoding))
    return unknownCompression(encoding, ENCODINGS.slice(1), 'grpc-accept-encoding');
  return timeoutMs === 0 ? tooLate() : undefined;
}

function refuseType(stream: ServerHttp2Stream, contentType: string): void {
  const message =
    'this port speaks gRPC in protobuf, content-type application/grpc; JSON, Connect and gRPC-Web go to the other port';
  if (contentType.startsWith('application/grpc')) {
    refuse(stream, protocolError('CONTENT_TYPE_UNSUPPORTED', message, { contentType }));
  } else answer(stream, { ':status': 415, 'content-type': 'text/plain; charset=utf-8' }, `${message}\n`);
}

function refuse(stream: ServerHttp2Stream, error: ConnectError, allow?: string): void {
  answer(stream, {
    ':status': 200,
    'content-type': 'application/grpc+proto',
    'grpc-status': error.code,
    // Not as a component, of which grpc-js, as a client, would not decode commas and colons.
    'grpc-message': encodeURI(error.rawMessage.toWellFormed()),
    ...detailsOf(error),
    ...(allow !== undefined && { allow }),
  });
}

/** Node closes the stream when it has been answered, since its request is never read. */
function answer(stream: ServerHttp2Stream, headers: Record<string, string | number>, body?: string): void {
  // Nobody is left to be told when the stream breaks.
  stream.on('error', () => {});
  if (stream.closed || stream.destroyed) return;
  stream.respond(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
}
