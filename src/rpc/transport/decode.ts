import {
  type DescMessage,
  type DescMethod,
  fromBinary,
  fromJson,
  type JsonValue,
  type Message,
} from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import type { UniversalServerRequest } from '@connectrpc/connect/protocol';
import { compressionBrotli, compressionGzip } from '@connectrpc/connect-node';
import { invalidRequest } from '../../domain/error.ts';
import { join, noProblems } from '../../domain/problems.ts';
import { badCompression, tooLargeInside } from './failures.ts';
import { checkJson } from './json-check.ts';
import { parseJson } from './json-text.ts';
import type { Wire } from './wire.ts';

/** What request and response bodies can be compressed with. */
export const COMPRESSIONS = [compressionGzip, compressionBrotli];

/** Flags and length, before an enveloped message. */
export const ENVELOPE_BYTES = 5;
const COMPRESSED_FLAG = 1;

export interface Intake {
  readonly request: UniversalServerRequest;
  /** Its input is one message: it is unary, or only the server streams. */
  readonly method: DescMethod;
  readonly wire: Wire;
  /** Reads the body, at most so many bytes of it. */
  readonly read: (bytesMax: number) => Promise<Uint8Array>;
  readonly messageBytesMax: number;
}

/**
 * Reads the one message of a request and checks that it can be understood, before Connect does:
 * Connect ignores unknown fields, replaces invalid UTF-8, and calls a message that it cannot parse an
 * internal error. Returns the request with a body for Connect to read. Raises INVALID with the paths of
 * what is wrong, or what reading and decompressing raise. What is wrong with the framing is left to
 * Connect.
 */
export async function takeIn(intake: Intake): Promise<UniversalServerRequest> {
  const { request, method, wire, read, messageBytesMax } = intake;
  const raw = await read(messageBytesMax + (wire.enveloped ? ENVELOPE_BYTES : 0));
  const framed = { ...request, body: once(raw) };

  const codec = codecOf(request.header.get(wire.encodingHeader));
  const compressed = wire.enveloped ? compressedFlag(raw) : codec !== null;
  const unclear = codec === undefined || compressed === undefined || (compressed && codec === null);
  if (unclear) return framed;
  const payload = wire.enveloped ? raw.subarray(ENVELOPE_BYTES) : raw;
  const message = compressed && codec ? await decompress(codec, payload, messageBytesMax) : payload;

  const json = understand(method, message, wire.json, 'the body');
  if (wire.enveloped) return { ...request, body: once(envelope(message)) };
  request.header.delete('content-encoding');
  request.header.delete('content-length');
  return { ...request, body: json ?? once(message) };
}

/**
 * The same for the query of a GET (Connect protocol, "Unary-Get-Request"). Returns the value of a message in
 * JSON, and undefined for any other, and where Connect is to say what is wrong.
 */
export async function checkQuery(
  query: URLSearchParams,
  method: DescMethod,
  messageBytesMax: number,
): Promise<JsonValue | undefined> {
  const encoding = query.get('encoding');
  const codec = codecOf(query.get('compression'));
  if ((encoding !== 'json' && encoding !== 'proto') || codec === undefined) return undefined;
  const text = query.get('message') ?? '';
  const what = 'the query parameter message';
  if (query.get('base64') === '1' && !/^[A-Za-z0-9_+/-]*={0,2}$/.test(text)) {
    throw invalidRequest([{ field: '', description: `${what} is not base64, though base64=1 says so` }]);
  }
  const raw = query.get('base64') === '1' ? Buffer.from(text, 'base64url') : Buffer.from(text);
  const message = codec ? await decompress(codec, raw, messageBytesMax) : raw;
  return understand(method, message, encoding === 'json', what);
}

/** The parsed value of a JSON message; undefined for a binary one. Raises INVALID. */
export function understand(
  method: DescMethod,
  bytes: Uint8Array,
  json: boolean,
  what: string,
): JsonValue | undefined {
  if (json) return understandJson(method.input, bytes, what);
  readBinary(method.input, bytes, what);
  return undefined;
}

/** The value of a message in JSON. Raises INVALID with the paths of what is wrong, which begin `at`. */
export function understandJson(message: DescMessage, bytes: Uint8Array, what: string, at = ''): JsonValue {
  const { value, duplicates } = parseJson(decodeUtf8(bytes, what), what);
  const problems = noProblems();
  for (const path of duplicates) problems.add(join(at, path), 'is given twice');
  problems.addAll(checkJson(message, value, at));
  problems.raise();
  return value as JsonValue;
}

/** A message of a JSON value that was understood. Raises INVALID_ARGUMENT where protobuf-es knows better. */
export function readJson(message: DescMessage, json: JsonValue): Message {
  try {
    return fromJson(message, json);
  } catch (reason) {
    throw ConnectError.from(reason, Code.InvalidArgument);
  }
}

/** A message in binary. Raises INVALID. */
export function readBinary(message: DescMessage, bytes: Uint8Array, what: string): Message {
  try {
    return fromBinary(message, bytes);
  } catch (error) {
    const description = `${what} is not a ${message.typeName}: ${(error as Error).message}`;
    throw invalidRequest([{ field: '', description }]);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Raises INVALID. */
export function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw invalidRequest([{ field: '', description: `${what} is not valid UTF-8` }]);
  }
}

type Codec = (typeof COMPRESSIONS)[number];

/** Raises INVALID for what is broken, RESOURCE_EXHAUSTED for what would be more than `bytesMax`. */
export async function decompress(codec: Codec, bytes: Uint8Array, bytesMax: number): Promise<Uint8Array> {
  try {
    return await codec.decompress(bytes, bytesMax);
  } catch (reason) {
    const { code, rawMessage } = ConnectError.from(reason);
    if (code === Code.ResourceExhausted) throw tooLargeInside(bytesMax);
    // Connect calls it internal when the end is missing.
    throw badCompression(rawMessage);
  }
}

/** Null for none, undefined for one that we do not have. */
export function codecOf(encoding: string | null): Codec | null | undefined {
  if (encoding === null || encoding === 'identity' || encoding === '') return null;
  return COMPRESSIONS.find((compression) => compression.name === encoding);
}

/** Whether the one message is compressed; undefined unless there is exactly one, whole, and nothing else. */
function compressedFlag(body: Uint8Array): boolean | undefined {
  if (body.length < ENVELOPE_BYTES) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, ENVELOPE_BYTES);
  if (view.getUint32(1) !== body.length - ENVELOPE_BYTES || view.getUint8(0) > COMPRESSED_FLAG)
    return undefined;
  return view.getUint8(0) === COMPRESSED_FLAG;
}

export function envelope(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(ENVELOPE_BYTES + message.length);
  new DataView(framed.buffer).setUint32(1, message.length);
  framed.set(message, ENVELOPE_BYTES);
  return framed;
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
