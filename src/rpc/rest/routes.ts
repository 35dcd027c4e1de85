import type { DescMethod, JsonObject } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import type {
  UniversalHandler,
  UniversalServerRequest,
  UniversalServerResponse,
} from '@connectrpc/connect/protocol';
import { noProblems } from '../../domain/problems.ts';
import type { Adapter, Begun } from '../transport/adapter.ts';
import { readBody } from '../transport/body.ts';
import { understandJson } from '../transport/decode.ts';
import { jsonViolations } from '../transport/json-shape.ts';
import type { CallableResponse, NodeRequest } from '../transport/node.ts';
import { refuse } from '../transport/wire.ts';
import { EVENT_FACES } from './event.ts';
import { readQuery } from './query.ts';
import type { Face, FaceGroup } from './route.ts';
import { WEBHOOK_FACES } from './webhook.ts';

const GROUPS: readonly FaceGroup[] = [WEBHOOK_FACES, EVENT_FACES];

/** What there is, for those who look in the wrong place. */
export const FACES: readonly string[] = GROUPS.flatMap(({ path, onAll, onOne }) => [
  ...Object.keys(onAll).map((verb) => `${verb} ${path}`),
  ...Object.keys(onOne).map((verb) => `${verb} ${path}/{id}`),
]);

/** Whether a path is that of a face, or would be if there were such a thing. */
export function isFacePath(path: string): boolean {
  return groupOf(path) !== undefined;
}

function groupOf(path: string): FaceGroup | undefined {
  return GROUPS.find((group) => path === group.path || path.startsWith(`${group.path}/`));
}

export interface FacesDeps {
  readonly adapter: Adapter;
  readonly handlerOf: (method: DescMethod) => UniversalHandler;
  readonly messageBytesMax: number;
}

/**
 * The HTTP faces of services: plain JSON on plain paths, for whom a curl is enough. Each is an RPC in
 * another dress, with the same rules, errors and log line.
 */
export function httpFaces({ adapter, handlerOf, messageBytesMax }: FacesDeps) {
  return (path: string, request: NodeRequest, response: CallableResponse): void => {
    const group = groupOf(path);
    if (group === undefined) throw new Error(`${path} is not the path of a face`);
    const id = idOf(path, group.path);
    const faces = id === undefined ? group.onAll : group.onOne;
    const face = Object.hasOwn(faces, request.method ?? '') ? faces[request.method ?? ''] : undefined;
    if (id === '' || face === undefined) {
      refusePath(id, Object.keys(faces), request, response);
      return;
    }
    if (face.body !== undefined && !JSON_TYPE.test(request.headers['content-type'] ?? '')) {
      const message = `${request.method} ${group.path} takes ${group.noun} as JSON, with content-type application/json`;
      refuse(request, response, { status: 415, code: Code.InvalidArgument, message });
      return;
    }
    const handler = handlerOf(face.method);
    const init = { handler, protocol: 'http', hiddenPath: face.body?.field ?? '' };
    const begun = adapter.begin(init, request, response);
    if (begun === undefined) return;
    prepare(face, id, begun, request)
      .then((fields) => handler(asCall(begun.request, handler, fields)))
      .then((universal) => present(face, universal, begun, response))
      .catch((reason: unknown) => adapter.giveUp(reason, begun.call, request, response));
  };

  /** The fields of the RPC's request. What is wrong with them is left to the handler's gate to raise. */
  async function prepare(
    face: Face,
    id: string | undefined,
    { call, request }: Begun,
    node: NodeRequest,
  ): Promise<JsonObject> {
    if (call.refusal !== undefined) return {};
    try {
      const problems = noProblems();
      const fields = readQuery(new URL(request.url).searchParams, face.query, problems);
      if (id !== undefined) fields.id = id;
      problems.addAll(jsonViolations(face.method.input, fields));
      // The query names fields of the request itself, so nothing of their paths is hidden.
      if (problems.count() > 0) call.hiddenPath = '';
      problems.raise();
      if (face.body === undefined) return fields;
      const body = await readBody(node, messageBytesMax);
      const { field, message } = face.body;
      return { ...fields, [field]: understandJson(message, body, 'the body', field) };
    } catch (reason) {
      call.refusal = reason;
      return {};
    }
  }

  async function present(
    face: Face,
    universal: UniversalServerResponse,
    begun: Begun,
    response: CallableResponse,
  ): Promise<void> {
    if (face.present === undefined || universal.status !== 200)
      return adapter.respond(universal, begun.call, response);
    const { status, body, location } = face.present(await readJson(universal), begun);
    const bytes = Buffer.from(JSON.stringify(body));
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': bytes.length,
      ...(location !== undefined && { location }),
    });
    response.end(bytes);
  }
}

/** A request of the Connect protocol whose message is parsed already. */
function asCall(
  request: UniversalServerRequest,
  handler: UniversalHandler,
  body: JsonObject,
): UniversalServerRequest {
  const url = new URL(handler.requestPath, request.url).toString();
  const header = new Headers(request.header);
  // They tell of the body that was read, and of the answer that is still to be rewritten.
  for (const name of ['content-length', 'content-encoding', 'accept-encoding']) header.delete(name);
  header.set('content-type', 'application/json');
  return { ...request, method: 'POST', url, header, body };
}

async function readJson({ body }: UniversalServerResponse): Promise<JsonObject> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body ?? []) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}

/** Undefined for the path of all, and empty for a path that is neither of that nor of one. */
function idOf(path: string, groupPath: string): string | undefined {
  if (path === groupPath) return undefined;
  const rest = path.slice(groupPath.length + 1);
  try {
    return rest.includes('/') ? '' : decodeURIComponent(rest);
  } catch {
    return '';
  }
}

function refusePath(
  id: string | undefined,
  allow: string[],
  request: NodeRequest,
  response: CallableResponse,
): void {
  const message = `there are ${FACES.join(', ')}`;
  if (id === '') refuse(request, response, { status: 404, code: Code.NotFound, message });
  else refuse(request, response, { status: 405, code: Code.Unimplemented, message, allow });
}

/** A form or plain text would do as well, but a page of any site could send those to a local server. */
const JSON_TYPE = /^application\/json[ \t]*(?:;.*)?$/i;
