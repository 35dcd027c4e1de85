import { create, type JsonObject, type JsonValue, toJson } from '@bufbuild/protobuf';
import { Code, type ConnectError } from '@connectrpc/connect';
import { codeToHttpStatus, codeToString } from '@connectrpc/connect/protocol-connect';
import { RetryInfoSchema } from '../../../gen/google/rpc/error_details_pb.ts';
import { JSON_OPTIONS } from '../transport/answer.ts';

/** An error as REST answers it (AIP-193). */
export interface RestError {
  /** The status of the HTTP answer; `error.code` says the same. */
  readonly status: number;
  readonly body: { readonly error: JsonObject };
  readonly headers: Readonly<Record<string, string>>;
}

/** What is known of a failure besides the error. */
export interface Circumstances {
  /** Its request was still being read: what was exhausted is the size of it. */
  readonly reading?: boolean;
  /** Its caller asked for a version by If-Match. */
  readonly conditional?: boolean;
}

/** The name of a code as google.rpc.Code has it: `NOT_FOUND`. */
function statusName(code: Code): string {
  // Connect spells it with one L.
  return code === Code.Canceled ? 'CANCELLED' : codeToString(code).toUpperCase();
}

/** An error in AIP-193's JSON, its details readable and named by their types. */
export function toRestError(error: ConnectError, circumstances: Circumstances = {}): RestError {
  const retry = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  // What may be sent again later is not too large.
  const reading = circumstances.reading === true && retry === undefined;
  const status = httpStatus(error.code, { ...circumstances, reading });
  return {
    status,
    body: restErrorBody(status, error),
    headers: {
      ...(retry !== undefined && { 'retry-after': String(Number(retry.seconds) + Math.sign(retry.nanos)) }),
      ...challengeOf(error),
    },
  };
}

function challengeOf({ metadata }: ConnectError): Record<string, string> {
  const challenge = metadata.get('www-authenticate');
  return challenge === null ? {} : { 'www-authenticate': challenge };
}

/** The body of an error whose HTTP status is known. */
export function restErrorBody(status: number, error: ConnectError): RestError['body'] {
  const details = error.details.flatMap((detail): JsonValue[] => {
    if (!('desc' in detail)) return [];
    const json = toJson(detail.desc, create(detail.desc, detail.value), JSON_OPTIONS);
    return [{ '@type': `type.googleapis.com/${detail.desc.typeName}`, ...(json as JsonObject) }];
  });
  const json: JsonObject = { code: status, message: error.rawMessage, status: statusName(error.code) };
  if (details.length > 0) json.details = details;
  return { error: json };
}

/** By google.rpc.Code, as Connect's are; HTTP has more to say in two cases. */
function httpStatus(code: Code, { reading = false, conditional = false }: Circumstances): number {
  if (code === Code.ResourceExhausted && reading) return 413;
  if (code === Code.Aborted && conditional) return 412;
  return codeToHttpStatus(code);
}
