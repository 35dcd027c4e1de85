import { fromBinary } from '@bufbuild/protobuf';
import { BadRequestSchema } from '../../gen/google/rpc/error_details_pb.ts';

/** Calls to the API as JSON, whatever carries them. */

export type Json = Readonly<Record<string, unknown>>;

/** Calls `WebhookService/Register`, say. Rejects with Refusal when the server refuses. */
export type Call = (rpc: string, request: Json) => Promise<Json>;

/** An error answer (AIP-193). */
export class Refusal extends Error {
  /** The number of its gRPC status code. */
  readonly code: number;
  /** The fields that its google.rpc.BadRequest names. */
  readonly fields: readonly string[];

  constructor(code: number, message: string, fields: readonly string[] = []) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
    this.fields = fields;
  }
}

/** The gRPC status codes by the names that Connect gives them (google.rpc.Code). */
const CODES = [
  'ok',
  'canceled',
  'unknown',
  'invalid_argument',
  'deadline_exceeded',
  'not_found',
  'already_exists',
  'permission_denied',
  'resource_exhausted',
  'failed_precondition',
  'aborted',
  'out_of_range',
  'unimplemented',
  'internal',
  'unavailable',
  'data_loss',
  'unauthenticated',
];

/** An error as the Connect protocol writes it. */
export interface ConnectErrorJson {
  readonly code: string;
  readonly message?: string;
  readonly details?: readonly { readonly type: string; readonly value: string }[];
}

export function refusalOf({ code, message = '', details = [] }: ConnectErrorJson): Refusal {
  const fields = details
    .filter(({ type }) => type === BadRequestSchema.typeName)
    .flatMap(({ value }) => fromBinary(BadRequestSchema, Buffer.from(value, 'base64')).fieldViolations)
    .map(({ field }) => field);
  return new Refusal(CODES.indexOf(code), message, fields);
}

/** Connect with JSON over HTTP/1.1. */
export function connectCall(url: string): Call {
  return async (rpc, request) => {
    const response = await fetch(`${url}/carillon.v1.${rpc}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'connect-protocol-version': '1' },
      body: JSON.stringify(request),
    });
    const answer: unknown = await response.json();
    if (!response.ok) throw refusalOf(answer as ConnectErrorJson);
    return answer as Json;
  };
}
