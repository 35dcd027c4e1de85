import type { Code, ConnectError } from '@connectrpc/connect';
import { errorToJson } from '@connectrpc/connect/protocol-connect';
import { setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import type { Reason } from '../../domain/reason.ts';
import { type Metadata, protocolError } from '../error-info.ts';
import type { CallableResponse, NodeRequest } from './node.ts';

/** How a request is written, judged by its content type. */
export interface Wire {
  readonly protocol: 'connect' | 'grpc' | 'grpc-web';
  readonly json: boolean;
  /** Whether each message has a prefix of five bytes: flags and length. */
  readonly enveloped: boolean;
  /** The header that names the compression of messages. */
  readonly encodingHeader: string;
  /** The header that names those that are understood. */
  readonly acceptHeader: string;
}

const CONTENT_TYPE =
  /^application\/(?:(grpc|grpc-web|connect)(?:\+(json|proto))?|(json|proto))[ \t]*(?:;.*)?$/i;

/** Undefined for what no RPC is written in. */
export function wireOf(contentType: string | undefined): Wire | undefined {
  const match = CONTENT_TYPE.exec(contentType ?? '');
  if (match === null) return undefined;
  const envelope = match[1]?.toLowerCase();
  const json = (match[2] ?? match[3])?.toLowerCase() === 'json';
  if (envelope === undefined) {
    return { protocol: 'connect', json, enveloped: false, ...UNARY };
  }
  if (envelope === 'connect') {
    return { protocol: 'connect', json, enveloped: true, ...STREAM };
  }
  return { protocol: envelope === 'grpc' ? 'grpc' : 'grpc-web', json, enveloped: true, ...GRPC };
}

/** Whether it is asked for by a gRPC client, of either kind, in whatever encoding. */
export function isGrpc(contentType: string | undefined): boolean {
  return /^application\/grpc/i.test(contentType ?? '');
}
const UNARY = { encodingHeader: 'content-encoding', acceptHeader: 'accept-encoding' };
const STREAM = { encodingHeader: 'connect-content-encoding', acceptHeader: 'connect-accept-encoding' };
const GRPC = { encodingHeader: 'grpc-encoding', acceptHeader: 'grpc-accept-encoding' };

/** Whether it is gRPC-Web in base64, for browsers that could not read bytes. We do not speak it. */
export function isGrpcWebText(contentType: string | undefined): boolean {
  return /^application\/grpc-web-text\b/i.test(contentType ?? '');
}

/** What a request is told that never reaches a handler. */
export interface Refusal {
  readonly status: number;
  readonly code: Code;
  readonly message: string;
  readonly reason: Reason;
  readonly metadata?: Metadata;
  /** The methods of the Allow header. */
  readonly allow?: readonly string[];
  /** Ends the connection, for callers that would wait for more on it. */
  readonly close?: boolean;
}

/** Says what to do instead, in the words of the caller's protocol. */
export function refuse(request: NodeRequest, response: CallableResponse, refusal: Refusal): void {
  const { status, code, message, reason, metadata, allow, close } = refusal;
  const error = protocolError(reason, message, metadata, code);
  const contentType = request.headers['content-type'];
  const wire = wireOf(contentType);
  // Whatever begins with application/grpc is answered by a gRPC client's rules: 200 and a status
  // (gRPC over HTTP/2, "Responses"). Those of gRPC-Web show the message of no other HTTP status.
  const grpc = isGrpc(contentType);
  const web = wire?.protocol === 'grpc-web' || isGrpcWebText(contentType);
  const headers: Record<string, string> = grpc
    ? {
        'content-type': web ? 'application/grpc-web+proto' : 'application/grpc',
        'grpc-status': String(code),
        'grpc-message': encodeURI(message),
        ...detailsOf(error),
      }
    : { 'content-type': 'application/json' };
  if (allow !== undefined) headers.allow = allow.join(', ');
  // HTTP/2 has no Connection header (RFC 9113, section 8.2.2).
  if (close && request.httpVersionMajor < 2) headers.connection = 'close';
  request.resume();
  const body = grpc ? '' : `${JSON.stringify(errorToJson(error, undefined))}\n`;
  headers['content-length'] = String(Buffer.byteLength(body));
  response.writeHead(grpc ? 200 : status, headers);
  response.end(body);
}

/** The header with the details of an error, as gRPC sends them. */
export function detailsOf(error: ConnectError): { readonly 'grpc-status-details-bin'?: string } {
  const fields = new Headers();
  setTrailerStatus(fields, error);
  const details = fields.get('grpc-status-details-bin');
  return details === null ? {} : { 'grpc-status-details-bin': details };
}
