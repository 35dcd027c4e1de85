import type { DescService } from '@bufbuild/protobuf';
import { file_google_rpc_error_details } from '../../gen/google/rpc/error_details_pb.ts';
import { Health } from '../../gen/grpc/health/v1/health_pb.ts';
import { behaves } from '../../src/rpc/field-behavior.ts';
import { type Binding, bind, ruleOf } from '../../src/rpc/rest/binding.ts';
import type { FieldPath } from '../../src/rpc/rest/fields.ts';
import { LINES_TYPE } from '../../src/rpc/rest/lines.ts';
import { RULES } from '../../src/rpc/rest/rules.ts';
import type { Comments } from './comments.ts';
import { createSchemas, type Json, type Schemas } from './schemas.ts';

/** An OpenAPI 3.1 document of everything that is in REST, made of descriptors and their comments. */
export function openApiOf(services: readonly DescService[], comments: Comments): Json {
  const schemas = createSchemas(comments);
  const paths: Record<string, Json> = {};
  for (const service of services) {
    for (const method of service.methods) {
      const rule = ruleOf(method, RULES);
      const bindings = rule === undefined ? [] : bind(method, rule);
      for (const [index, binding] of bindings.entries()) {
        // Templates that differ in the names of variables only are the same path to OpenAPI.
        const path = binding.template.text.replaceAll(/\{[\w.]*?(\w+)\}/g, '{$1}');
        paths[path] = {
          ...paths[path],
          [binding.verb.toLowerCase()]: operationOf(binding, index, comments, schemas),
        };
      }
    }
  }
  // What errors carry, beside what stands in answers.
  const details = file_google_rpc_error_details.messages.filter(({ name }) => SHOWN_DETAILS.has(name));
  for (const detail of details) schemas.refer(detail);
  return {
    openapi: '3.1.1',
    info: { title: 'Carillon', version: 'v1', description: ABOUT, license: LICENSE },
    servers: [{ url: '/' }],
    tags: services.map(({ typeName, name }) => ({ name, description: comments.get(typeName) ?? '' })),
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      schemas: { ...schemas.all(), Error: ERROR },
      responses: { Error: ERROR_RESPONSE, LongHead: LONG_HEAD },
    },
  };
}

const ABOUT = [
  'Delivers webhooks on a schedule and whenever an event is published.',
  'Names of fields may also be written as in the proto files, `time_zone` for `timeZone`. Fields and parameters that there are not are refused by name. Values of enums may be numbers, and numbers strings, as in ProtoJSON. Requests may leave out the prefix of a value of an enum, `SKIP` for `MISFIRE_POLICY_SKIP`, and write durations with other units, `5m`, `1h30m` or `250ms`; answers do not. Fields with no value are left out of answers. Answers may gain fields.',
  'A path segment that ends in a colon and a word, such as `:pause`, is that method: an id that ends so is written with `%3A`. Every call takes `connect-timeout-ms`, after which it is answered with 504.',
].join('\n\n');

const LICENSE = { name: 'Apache-2.0', identifier: 'Apache-2.0' };

const SHOWN_DETAILS = new Set([
  'BadRequest',
  'ErrorInfo',
  'PreconditionFailure',
  'ResourceInfo',
  'RetryInfo',
]);

const ERROR: Json = {
  type: 'object',
  description: 'An error (https://google.aip.dev/193).',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message', 'status'],
      properties: {
        code: { type: 'integer', description: 'The HTTP status.' },
        message: { type: 'string', description: 'What is wrong, for a person.' },
        status: { type: 'string', description: 'The name of the google.rpc.Code, such as NOT_FOUND.' },
        details: {
          type: 'array',
          description:
            'What a program can use, each with its type in `@type`: `google.rpc.ErrorInfo` says why, by a reason that never changes; `google.rpc.BadRequest` names fields as they stand in the body, or parameters; `google.rpc.ResourceInfo` what was not found or is in the way; `google.rpc.RetryInfo` when to try again.',
          items: { type: 'object', required: ['@type'], properties: { '@type': { type: 'string' } } },
        },
      },
    },
  },
};

const ERROR_RESPONSE: Json = {
  description: 'The call failed.',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
};

/** It is not even read far enough to know whose answer it would be. */
const LONG_HEAD: Json = { description: 'Path, query and headers are longer than 16 KiB. There is no body.' };

function operationOf(binding: Binding, index: number, comments: Comments, schemas: Schemas): Json {
  const { method, verb } = binding;
  const about = comments.get(`${method.parent.typeName}.${method.name}`) ?? '';
  const [summary = ''] = /^.*?\.(?= |\n|$)/s.exec(about) ?? [about];
  const body = bodyOf(binding, schemas);
  const suffix = index === 0 ? '' : `_${index + 1}`;
  return {
    operationId: `${method.parent.name}_${method.name}${suffix}`,
    tags: [method.parent.name],
    summary: summary.replace(/\.$/, ''),
    description: about,
    parameters: [
      ...binding.variables.map((variable) => parameter('path', variable, schemas)),
      ...[...binding.parameters.values()].map((each) => parameter('query', each, schemas)),
      ...headersOf(binding),
    ],
    ...(body !== undefined && { requestBody: body }),
    responses: {
      '200': answerOf(binding, schemas),
      ...(verb === 'GET' && hasEtag(binding) && { '304': { description: 'It is as If-None-Match says.' } }),
      ...(method === Health.method.check && {
        '503': { ...answerOf(binding, schemas), description: 'It is NOT_SERVING.' },
      }),
      '431': { $ref: '#/components/responses/LongHead' },
      default: { $ref: '#/components/responses/Error' },
    },
  };
}

function bodyOf({ verb, method, body, variables }: Binding, schemas: Schemas): Json | undefined {
  if (body === 'none') return undefined;
  if (method.methodKind === 'bidi_streaming' && typeof body === 'object') {
    const description = `Lines of JSON, each a ${body.message?.name}.`;
    schemas.refer(body.message!);
    return { required: true, description, content: { [LINES_TYPE]: { schema: { type: 'string' } } } };
  }
  const schema =
    body === 'all'
      ? withNulls(schemas.inline(method.input, new Set(variables.map(({ name }) => name))))
      : verb === 'PATCH'
        ? // What is left out stays as it is.
          withNulls(schemas.inline(body.message!, new Set(), true))
        : schemas.refer(body.message!);
  return { required: body !== 'all', content: { 'application/json': { schema } } };
}

/** A request's own schema: null is as good as nothing there (ProtoJSON), where something need not be given. */
function withNulls(schema: Json): Json {
  const { properties, required = [] } = schema as {
    properties: Record<string, Json>;
    required?: readonly string[];
  };
  const entries = Object.entries(properties).map(([name, property]) => {
    const { $ref, type, ...rest } = property;
    if (required.includes(name) || ($ref === undefined && type === undefined)) return [name, property];
    const nullable = $ref === undefined ? { type: [type, 'null'] } : { anyOf: [{ $ref }, { type: 'null' }] };
    return [name, { ...nullable, ...rest }];
  });
  return { ...schema, properties: Object.fromEntries(entries) };
}

function answerOf(binding: Binding, schemas: Schemas): Json {
  const { method } = binding;
  const schema = schemas.refer(method.output);
  switch (method.methodKind) {
    case 'server_streaming':
      return {
        description: `Server-Sent Events. The data of each is a ${method.output.name}, and its id the token to go on from. An event of the type \`error\` is the last one, and its data an Error. Comments say that the stream lives.`,
        content: { 'text/event-stream': { schema: { type: 'string' } } },
      };
    case 'bidi_streaming':
      return {
        description: `Lines of JSON, each a ${method.output.name}, in the order of the request's. The last one is an Error if the stream could not be read to its end.`,
        content: { [LINES_TYPE]: { schema: { type: 'string' } } },
      };
    default:
      return {
        description: 'The answer.',
        ...(hasEtag(binding) && {
          headers: { ETag: { description: 'The etag of the webhook.', schema: { type: 'string' } } },
        }),
        content: { 'application/json': { schema } },
      };
  }
}

function parameter(where: 'path' | 'query', { name, fields }: FieldPath, schemas: Schemas): Json {
  const field = fields.at(-1)!;
  const { description, readOnly: _, writeOnly: __, ...schema } = schemas.ofField(field);
  return {
    name: where === 'path' ? field.name : name,
    in: where,
    ...(description !== undefined && { description }),
    ...((where === 'path' || behaves(field, 'REQUIRED')) && { required: true }),
    ...(field.fieldKind === 'map' && { style: 'deepObject', explode: true }),
    schema,
  };
}

function headersOf({ verb, etag, requestId, resume }: Binding): Json[] {
  const headers: Json[] = [];
  // A registration carries an etag that is only looked at beside an id.
  const known = verb !== 'GET' && (verb !== 'POST' || etag?.fields.length === 1);
  if (etag !== undefined && known) headers.push(IF_MATCH);
  if (requestId !== undefined) headers.push(IDEMPOTENCY_KEY);
  if (resume !== undefined) headers.push(LAST_EVENT_ID);
  return headers;
}

const IF_MATCH: Json = {
  name: 'If-Match',
  in: 'header',
  description: 'An etag in double quotes: do it only to this version, and answer 412 otherwise.',
  schema: { type: 'string' },
};

const IDEMPOTENCY_KEY: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'The request_id, given in another way: a word, or a string in double quotes, of at most 64 characters.',
  schema: { type: 'string' },
};

const LAST_EVENT_ID: Json = {
  name: 'Last-Event-ID',
  in: 'header',
  description:
    'The id of the last event that was seen; browsers send it when they come back. It goes before the token in the query.',
  schema: { type: 'string' },
};

/** Whether there is an etag in the resource that is answered. */
function hasEtag({ method }: Binding): boolean {
  return method.output.fields.some(
    ({ fieldKind, message }) =>
      fieldKind === 'message' && message?.fields.some(({ name }) => name === 'etag'),
  );
}
