import type { JsonObject, JsonValue, Message } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { malformed } from '../../domain/error.ts';
import { join, noProblems, type Problems } from '../../domain/problems.ts';
import { quote } from '../../domain/text.ts';
import type { Negotiated } from '../transport/answer.ts';
import { discardBody, readBody } from '../transport/body.ts';
import type { Call } from '../transport/call.ts';
import { decodeUtf8, decompress } from '../transport/decode.ts';
import { normalizeJson } from '../transport/json-shape.ts';
import type { ParsedJson } from '../transport/json-text.ts';
import { parseText, readJson, tellDeepIn, turnFor } from '../transport/message.ts';
import type { NodeRequest } from '../transport/node.ts';
import { incomingOf } from '../transport/room.ts';
import type { Binding } from './binding.ts';
import type { FieldPath } from './fields.ts';
import { decodeQuery, holderOf, jsonOf, readQuery } from './query.ts';

/** A request, as far as its path has told of it. */
export interface Asked {
  readonly binding: Binding;
  /** The values of the variables of the template, still encoded. */
  readonly values: readonly string[];
  readonly request: NodeRequest;
  readonly call: Call;
  readonly negotiated: Negotiated;
  readonly messageBytesMax: number;
}

/** How far the reading of a request has come. */
export interface Progress {
  reading: boolean;
}

/**
 * The request message of a call: from its path, its query, its headers and its body. Raises INVALID with the paths
 * of what is wrong, as the caller wrote them, and what reading and decompressing raise.
 */
export async function readRequest(asked: Asked, progress: Progress): Promise<Message> {
  const { binding, request, call, negotiated } = asked;
  const { input } = binding.method;
  const json: JsonObject = {};
  try {
    if (call.refusal !== undefined) throw call.refusal;
    if (negotiated.error !== undefined) throw negotiated.error;
    readHead(asked, json);
  } catch (reason) {
    discardBody(request);
    throw reason;
  }
  progress.reading = true;
  const body = await receive(asked);
  progress.reading = false;
  const problems = noProblems();
  const whole = withBody(binding, json, body, problems);
  for (const [index, variable] of binding.variables.entries()) {
    put(whole, variable, decodeURIComponent(asked.values[index]!), 'path', problems);
  }
  const etag = etagOf(request);
  if (etag !== undefined && binding.etag !== undefined) put(whole, binding.etag, etag, 'If-Match', problems);
  const key = idempotencyKeyOf(request);
  if (key !== undefined && binding.requestId !== undefined) {
    put(whole, binding.requestId, key, 'Idempotency-Key', problems);
  }
  // A browser that has lost its connection asks for the same URL again: what it has seen since goes before.
  const seen = request.headers['last-event-id'];
  if (typeof seen === 'string' && binding.resume !== undefined) whole[binding.resume.name] = seen;
  const { deep } = body ?? {};
  return readJson(
    input,
    { value: whole, duplicates: [], known: problems.list(), ...(deep && { deep }) },
    WHAT,
  );
}

/** What stands before the caller's field paths in the request message. */
export function hiddenPathOf({ body }: Binding): string {
  return typeof body === 'object' ? body.name : '';
}

/** Reads the query into the request, and raises what is wrong with it, with the path, and with its headers. */
export function readHead(
  { binding, values, request, call }: Omit<Asked, 'negotiated' | 'messageBytesMax'>,
  json: JsonObject,
): void {
  const hidden = call.hiddenPath;
  // None of this is in the body, so nothing of its paths is hidden.
  call.hiddenPath = '';
  const problems = noProblems();
  const { url = '' } = request;
  const at = url.indexOf('?');
  if (at >= 0) {
    readQuery(decodeQuery(url.slice(at + 1)), binding.parameters, json, problems);
    problems.addAll(normalizeJson(binding.method.input, json));
  }
  for (const [index, variable] of binding.variables.entries()) {
    if (!isEncoded(values[index]!)) {
      problems.add(variable.name, 'is not percent-encoded UTF-8 in the path', 'MALFORMED_REQUEST');
    }
  }
  if (etagOf(request) !== undefined && binding.etag === undefined) {
    problems.add('', 'If-Match was given, but this method takes no etag', 'MALFORMED_REQUEST');
  }
  // What only reads is the same however often it is asked for: a client may send a key with everything.
  if (
    idempotencyKeyOf(request) !== undefined &&
    binding.requestId === undefined &&
    binding.method.idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS
  ) {
    problems.add('', 'Idempotency-Key was given, but this method takes no request_id', 'MALFORMED_REQUEST');
  }
  problems.raise();
  call.hiddenPath = hidden;
}

/** The body, parsed; undefined without one, where that is allowed. */
async function receive(asked: Asked): Promise<ParsedJson | undefined> {
  const { binding, request, call, negotiated, messageBytesMax } = asked;
  if (!mayHaveBody(request) && typeof binding.body === 'string') return undefined;
  const raw = await readBody(request, messageBytesMax, call);
  if (raw.length === 0 && typeof binding.body === 'string') return undefined;
  if (binding.body === 'none') {
    const description = `${binding.verb} ${binding.template.text} takes no body: give fields in the query`;
    throw malformed('MALFORMED_REQUEST', description);
  }
  const { request: codec } = negotiated;
  const bytes = codec === null ? raw : await decompress(codec, raw, messageBytesMax, incomingOf(call));
  await turnFor(bytes);
  const tellDeep = binding.body === 'all' ? tellDeepIn(binding.method.input) : undefined;
  return await parseText(decodeUtf8(bytes, WHAT), WHAT, tellDeep);
}

const WHAT = 'the body';

/** Whether there can be one: HTTP/2 may say so only later. */
function mayHaveBody(request: NodeRequest): boolean {
  if ('stream' in request) return !request.stream.endAfterHeaders;
  const { headers } = request;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** The request with what the body says. Raises INVALID for a body that is no object. */
function withBody(
  { body: rule, method }: Binding,
  json: JsonObject,
  body: ParsedJson | undefined,
  problems: Problems,
): JsonObject {
  if (body === undefined) return json;
  const { value, duplicates } = body;
  const at = typeof rule === 'object' ? rule.name : '';
  for (const path of duplicates) problems.add(join(at, path), 'is given twice');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const type = typeof rule === 'object' ? rule.message! : method.input;
    problems.addAll(normalizeJson(type, value, at));
    problems.raise();
  }
  if (typeof rule !== 'object') return value as JsonObject;
  json[rule.name] = value as JsonValue;
  return json;
}

/** Sets a field that is given outside of the body. Notes when the body has it too, and otherwise. */
function put(
  json: JsonObject,
  { name, fields }: FieldPath,
  text: string,
  from: string,
  problems: Problems,
): void {
  const holder = holderOf(json, fields);
  const field = fields.at(-1)!;
  const value = jsonOf(field, text);
  for (const key of [field.name, field.jsonName]) {
    if (!Object.hasOwn(holder, key)) continue;
    const other = holder[key];
    if (other !== value && other !== null) {
      problems.add(name, `is ${quote(text)} in the ${from}, and something else beside it; give it once`);
    }
    delete holder[key];
  }
  holder[field.name] = value;
}

/** The version that a caller wants to change (RFC 9110, section 13.1.1); undefined for any. Raises INVALID. */
function etagOf({ headers }: NodeRequest): string | undefined {
  const header = headers['if-match'];
  if (header === undefined || header.trim() === '*') return undefined;
  const [, etag] = /^\s*"([^"]*)"\s*$/.exec(header) ?? [];
  if (etag !== undefined) return etag;
  const description = 'If-Match must be one etag in double quotes, as ETag has it, or *';
  throw malformed('MALFORMED_REQUEST', description, { header: 'If-Match' });
}

/**
 * The name that a caller gave to the call (draft-ietf-httpapi-idempotency-key-header). The draft wants a string in
 * quotes, most clients send a word without. Raises INVALID.
 */
function idempotencyKeyOf({ headers }: NodeRequest): string | undefined {
  const header = headers['idempotency-key'];
  if (header === undefined) return undefined;
  const text = String(header).trim();
  const [, inQuotes] = /^"((?:[^"\\]|\\["\\])+)"$/.exec(text) ?? [];
  if (inQuotes !== undefined) return inQuotes.replaceAll(/\\(.)/g, '$1');
  if (/^[^\s",]+$/.test(text)) return text;
  const description = 'Idempotency-Key must be one word, or one string in double quotes';
  throw malformed('MALFORMED_REQUEST', description, { header: 'Idempotency-Key' });
}

/** Whether a part of a path is percent-encoded UTF-8. */
export function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
