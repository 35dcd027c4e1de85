import type { DescMessage, DescMethod, Message } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import type { UniversalServerRequest } from '@connectrpc/connect/protocol';
import { compressionBrotli, compressionGzip } from '@connectrpc/connect-node';
import { malformed } from '../../domain/error.ts';
import {
  badCompression,
  cutShort,
  strangeFlags,
  tooLarge,
  tooLargeInside,
  unannouncedCompression,
  unknownCompression,
  wrongCount,
} from './failures.ts';
import { createFraming, ENVELOPE_BYTES } from './framing.ts';
import type { Incoming } from './inflow.ts';
import { parseMessage, readBinary, turnFor } from './message.ts';
import { decompressedMax, incomingOf, type Taking } from './room.ts';
import type { Wire } from './wire.ts';

/** What request and response bodies can be compressed with. */
export const COMPRESSIONS = [compressionGzip, compressionBrotli];
export const COMPRESSION_NAMES = COMPRESSIONS.map(({ name }) => name);

const COMPRESSED_FLAG = 1;

export interface Intake {
  readonly request: UniversalServerRequest;
  /** Its input is one message: it is unary, or only the server streams. */
  readonly method: DescMethod;
  readonly wire: Wire;
  /** Reads the body, at most so many bytes of it. */
  readonly read: (bytesMax: number) => Promise<Uint8Array>;
  /** Bounds what it takes in memory; unbounded when not given. */
  readonly call?: Taking;
  readonly messageBytesMax: number;
}

/** A request whose message was decoded: what is left in it for Connect to read is an empty one. */
export interface TakenIn {
  readonly request: UniversalServerRequest;
  /** Undefined where the request is as it was, since what is wrong with it is for Connect to say. */
  readonly message?: Message;
}

/**
 * Reads and decodes the one message of a request, before Connect does: Connect ignores unknown fields,
 * replaces invalid UTF-8, and calls a message that it cannot parse an internal error. Raises INVALID with
 * the paths of what is wrong, or what reading, decompressing and the framing raise. Flags that there are not are
 * left to Connect.
 *
 * Connect has to be given something to decode all the same. It gets an empty message, which costs next to
 * nothing, and the guard hands on the one from here: see `Call.decoded`.
 */
export async function takeIn(intake: Intake): Promise<TakenIn> {
  const { request, method, wire, read, messageBytesMax, call } = intake;
  const raw = await read(messageBytesMax + (wire.enveloped ? ENVELOPE_BYTES : 0));

  const encoding = request.header.get(wire.encodingHeader);
  const codec = codecOf(encoding);
  if (codec === undefined) throw unknownCompression(encoding ?? '', COMPRESSION_NAMES, wire.acceptHeader);
  if (wire.enveloped) checkFraming(raw, intake);
  const flags = wire.enveloped ? raw[0]! : 0;
  if (flags > COMPRESSED_FLAG) return { request: { ...request, body: once(raw) } };
  const compressed = wire.enveloped ? flags === COMPRESSED_FLAG : codec !== null;
  if (compressed && codec === null) throw unannouncedCompression();
  const payload = wire.enveloped ? raw.subarray(ENVELOPE_BYTES) : raw;
  const bytes =
    compressed && codec ? await decompress(codec, payload, messageBytesMax, incomingOf(call)) : payload;

  const message = await decode(method, bytes, wire.json, 'the body');
  if (!wire.enveloped) {
    request.header.delete('content-encoding');
    request.header.delete('content-length');
  }
  return { request: { ...request, body: once(emptyMessage(wire)) }, message };
}

/** The same for the query of a GET (Connect protocol, "Unary-Get-Request"). */
export async function takeQuery(
  request: UniversalServerRequest,
  method: DescMethod,
  messageBytesMax: number,
  call?: Taking,
): Promise<TakenIn> {
  const url = new URL(request.url);
  const query = url.searchParams;
  const message = await readQueryMessage(query, method, messageBytesMax, call);
  if (message === undefined) return { request };
  for (const name of ['base64', 'compression']) query.delete(name);
  query.set('message', query.get('encoding') === 'json' ? '{}' : '');
  return { request: { ...request, url: url.toString() }, message };
}

/** The message in the query of a GET; undefined where it is for Connect to say what is wrong. Raises INVALID. */
export async function readQueryMessage(
  query: URLSearchParams,
  method: DescMethod,
  messageBytesMax: number,
  call?: Taking,
): Promise<Message | undefined> {
  const encoding = query.get('encoding');
  const compression = query.get('compression');
  const codec = codecOf(compression);
  if (encoding !== 'json' && encoding !== 'proto') return undefined;
  if (codec === undefined) throw unknownCompression(compression ?? '', COMPRESSION_NAMES, 'accept-encoding');
  const text = query.get('message') ?? '';
  const what = 'the query parameter message';
  if (query.get('base64') === '1' && !/^[A-Za-z0-9_+/-]*={0,2}$/.test(text)) {
    throw malformed('MALFORMED_MESSAGE', `${what} is not base64, though base64=1 says so`);
  }
  const raw = query.get('base64') === '1' ? Buffer.from(text, 'base64url') : Buffer.from(text);
  const bytes = codec ? await decompress(codec, raw, messageBytesMax, incomingOf(call)) : raw;
  return decode(method, bytes, encoding === 'json', what);
}

/** A message. Raises INVALID. */
export function decode(
  method: DescMethod,
  bytes: Uint8Array,
  json: boolean,
  what: string,
): Message | Promise<Message> {
  return json ? readText(method.input, bytes, what) : readBinary(method.input, ownBytes(bytes), what);
}

/** What Connect is given to decode in place of a message. */
export function emptyMessage({ json, enveloped }: Wire): Uint8Array {
  const message = json ? EMPTY_JSON : EMPTY;
  return enveloped ? envelope(message) : message;
}

const EMPTY = new Uint8Array(0);
const EMPTY_JSON = new TextEncoder().encode('{}');

/**
 * Bytes that no other buffer is kept for: fields of a message are views of what it was read from, and
 * what came from a socket is a small part of a large buffer.
 */
function ownBytes(bytes: Uint8Array): Uint8Array {
  const { buffer } = bytes;
  // Not as a Buffer, which the bytes of a message would become as well.
  return buffer.byteLength === bytes.byteLength ? new Uint8Array(buffer) : new Uint8Array(bytes);
}

/** The message of a JSON text. Raises INVALID with the paths of what is wrong. */
function readText(type: DescMessage, bytes: Uint8Array, what: string): Message | Promise<Message> {
  const parse = () => parseMessage(type, decodeUtf8(bytes, what), what);
  return turnFor(bytes)?.then(parse) ?? parse();
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Raises INVALID. */
export function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw malformed('MALFORMED_MESSAGE', `${what} is not valid UTF-8`);
  }
}

type Codec = (typeof COMPRESSIONS)[number];

/**
 * Raises INVALID for what is broken, RESOURCE_EXHAUSTED for what would be more than `bytesMax` and where there is no
 * room for it. What is compressed is not needed any more.
 */
export async function decompress(
  codec: Codec,
  bytes: Uint8Array,
  bytesMax: number,
  incoming: Incoming | undefined,
): Promise<Uint8Array> {
  const waits = incoming?.room(decompressedMax(codec.name, bytes.length, bytesMax));
  if (waits !== undefined) await waits;
  try {
    const decompressed = await codec.decompress(bytes, bytesMax);
    incoming?.whole(decompressed.length);
    return decompressed;
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

/** Raises INTERNAL for flags that gRPC does not have. Those of other protocols are for Connect to judge. */
export function checkFlags(flags: number, { protocol }: Wire): void {
  if (protocol === 'grpc' && flags > COMPRESSED_FLAG) throw strangeFlags(flags);
}

/** Raises what is wrong with a body that is to be one message in its envelope. */
function checkFraming(body: Uint8Array, { method, wire, messageBytesMax }: Intake): void {
  if (body.length > 0) checkFlags(body[0]!, wire);
  const framing = createFraming({ bytesMax: messageBytesMax });
  const messages = framing.follow(body).length;
  const what = `input message for ${method.methodKind.replace('_', '-')} method`;
  if (framing.over) throw tooLarge(messageBytesMax, 'the message');
  if (framing.begun) throw cutShort(wire.protocol);
  if (messages === 0) throw wrongCount(`missing ${what}`);
  if (messages > 1) throw wrongCount(`received extra ${what}`);
}

function envelope(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(ENVELOPE_BYTES + message.length);
  new DataView(framed.buffer).setUint32(1, message.length);
  framed.set(message, ENVELOPE_BYTES);
  return framed;
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
