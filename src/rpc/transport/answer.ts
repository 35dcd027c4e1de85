import { createRegistry, type JsonWriteOptions } from '@bufbuild/protobuf';
import { compressionNegotiate } from '@connectrpc/connect/protocol';
import { file_google_rpc_error_details } from '../../../gen/google/rpc/error_details_pb.ts';
import { withInfo } from '../error-info.ts';
import { COMPRESSIONS } from './decode.ts';
import type { CallableResponse } from './node.ts';
import type { Outgoing } from './outbox.ts';

/** How messages become JSON. The registry is for the details of errors that stand in an answer. */
export const JSON_OPTIONS = {
  registry: createRegistry(file_google_rpc_error_details),
} as const satisfies Partial<JsonWriteOptions>;

/** Smaller answers are not worth being compressed; Connect's own bound. */
const COMPRESS_MIN_BYTES = 1024;

/** What a request is compressed with and what its answer can be. */
export type Negotiated = ReturnType<typeof compressionNegotiate>;

/** By the values of Content-Encoding and Accept-Encoding. */
export function negotiate(encoding: string | undefined, accepted: string | undefined): Negotiated {
  if (encoding === undefined && accepted === undefined) return PLAIN;
  const header = 'accept-encoding';
  const negotiated = compressionNegotiate(COMPRESSIONS, encoding ?? null, accepted ?? null, header);
  if (negotiated.error === undefined) return negotiated;
  return { ...negotiated, error: withInfo(negotiated.error, 'COMPRESSION_UNSUPPORTED') };
}

const PLAIN: Negotiated = { request: null, response: null };

export interface JsonAnswer {
  readonly status: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What it is compressed with, if it is worth it. */
  readonly codec: Negotiated['response'];
  /** What is told how much is written. */
  readonly outgoing?: Outgoing | undefined;
}

/** Writes a whole answer, to HEAD without its body. One that its caller is not there to take is dropped. */
export function writeJson(response: CallableResponse, answer: JsonAnswer): void {
  const { status, text, headers, codec, outgoing } = answer;
  if (status === 304) {
    // What it would say is with its caller already (RFC 9110, section 15.4.5).
    response.writeHead(status, { ...headers });
    response.end();
    return;
  }
  const bytes = Buffer.byteLength(text);
  if (codec === null || bytes < COMPRESS_MIN_BYTES) {
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': bytes,
      ...headers,
    });
    outgoing?.wrote(bytes);
    response.end(response.req.method === 'HEAD' ? '' : text);
    return;
  }
  codec.compress(Buffer.from(text)).then(
    (compressed) => {
      if (response.destroyed) return;
      response.writeHead(status, {
        'content-type': 'application/json',
        'content-encoding': codec.name,
        'content-length': compressed.length,
        ...headers,
      });
      outgoing?.wrote(compressed.length);
      response.end(response.req.method === 'HEAD' ? '' : compressed);
    },
    () => writeJson(response, { ...answer, codec: null }),
  );
}
