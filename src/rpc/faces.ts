import type { DescMessage, DescMethod, JsonObject, JsonValue } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import type {
  UniversalHandler,
  UniversalServerRequest,
  UniversalServerResponse,
} from '@connectrpc/connect/protocol';
import { WebhookSchema, WebhookService } from '../../gen/carillon/v1/webhook_pb.ts';
import type { Adapter, Begun } from './adapter.ts';
import { readBody } from './body.ts';
import { understandJson } from './intake.ts';
import { checkJson } from './json-check.ts';
import type { CallableResponse, NodeRequest } from './node.ts';
import { noProblems } from './problems.ts';
import { type QueryField, readQuery } from './query.ts';
import { refuse } from './wire.ts';

/** The path under which webhooks are for whoever wants no RPC. */
export const FACES_PATH = '/webhooks';

/** What there is, for those who look in the wrong place. */
export const FACES = [
  `POST ${FACES_PATH}`,
  `GET ${FACES_PATH}`,
  `GET ${FACES_PATH}/{id}`,
  `DELETE ${FACES_PATH}/{id}`,
] as const;

export interface FacesDeps {
  readonly adapter: Adapter;
  readonly handlerOf: (method: DescMethod) => UniversalHandler;
  readonly messageBytesMax: number;
}

/**
 * The HTTP faces of WebhookService: plain JSON on plain paths, for whom a curl is enough. Each is an
 * RPC in another dress, with the same rules, errors and log line.
 */
export function httpFaces({ adapter, handlerOf, messageBytesMax }: FacesDeps) {
  return (path: string, request: NodeRequest, response: CallableResponse): void => {
    const id = idOf(path);
    const faces = id === undefined ? ON_ALL : ON_ONE;
    const face = Object.hasOwn(faces, request.method ?? '') ? faces[request.method ?? ''] : undefined;
    if (id === '' || face === undefined) {
      refusePath(id, Object.keys(faces), request, response);
      return;
    }
    if (face.body !== undefined && !JSON_TYPE.test(request.headers['content-type'] ?? '')) {
      const message = `${request.method} ${FACES_PATH} takes a webhook as JSON, with content-type application/json`;
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
    try {
      const problems = noProblems();
      const fields = readQuery(new URL(request.url).searchParams, face.query, problems);
      if (id !== undefined) fields.id = id;
      problems.addAll(checkJson(face.method.input, fields));
      problems.raise();
      if (face.body === undefined) return fields;
      const body = await readBody(node, messageBytesMax);
      return { ...fields, [face.body.field]: understandJson(face.body.message, body, 'the body') };
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
  return {
    ...request,
    method: 'POST',
    url,
    header: new Headers({ 'content-type': 'application/json' }),
    body,
  };
}

async function readJson({ body }: UniversalServerResponse): Promise<JsonObject> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body ?? []) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}

/** Undefined for the path of all webhooks, and empty for a path that is neither of that nor of one. */
function idOf(path: string): string | undefined {
  if (path === FACES_PATH) return undefined;
  const rest = path.slice(FACES_PATH.length + 1);
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

/** One verb on one path: which RPC it is, and how the two are made of each other. */
interface Face {
  readonly method: DescMethod;
  /** Query parameters that become fields of the request. */
  readonly query: readonly QueryField[];
  /** The body, if there is one, becomes this field of the request, and paths in it are written without it. */
  readonly body?: { readonly field: string; readonly message: DescMessage };
  /** The answer, made of that of the RPC. */
  readonly present?: (
    response: JsonObject,
    begun: Begun,
  ) => { status: number; body: JsonValue; location?: string };
}

const REGISTER: Face = {
  method: WebhookService.method.register,
  query: [{ name: 'validate_only', kind: 'boolean' }],
  body: { field: 'webhook', message: WebhookSchema },
  present(response, { call }) {
    const { id = '' } = response.webhook as { id?: string };
    const location = id === '' ? {} : { location: `${FACES_PATH}/${id}` };
    return { status: call.created && id !== '' ? 201 : 200, body: response, ...location };
  },
};
const LIST: Face = {
  method: WebhookService.method.list,
  query: [
    { name: 'namespace', kind: 'string' },
    { name: 'page_size', kind: 'integer' },
    { name: 'page_token', kind: 'string' },
    { name: 'name', kind: 'string' },
    { name: 'state', kind: 'enum', prefix: 'STATE_' },
    { name: 'labels', kind: 'map' },
  ],
};
const GET: Face = {
  method: WebhookService.method.get,
  query: [{ name: 'namespace', kind: 'string' }],
  present: (response) => ({ status: 200, body: response.webhook ?? {} }),
};
const REMOVE: Face = {
  method: WebhookService.method.remove,
  query: [
    { name: 'namespace', kind: 'string' },
    { name: 'etag', kind: 'string' },
  ],
};

const ON_ALL: Readonly<Record<string, Face>> = { GET: LIST, POST: REGISTER };
const ON_ONE: Readonly<Record<string, Face>> = { GET, DELETE: REMOVE };
