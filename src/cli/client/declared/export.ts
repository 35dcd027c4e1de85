import { join } from 'node:path';
import { type JsonObject, type JsonValue, toJson } from '@bufbuild/protobuf';
import { stringify } from 'yaml';
import { type Auth, OAuth2AuthSchema } from '../../../../gen/carillon/v1/credentials_pb.ts';
import { type Webhook, Webhook_State, Webhook_StateSchema } from '../../../../gen/carillon/v1/webhook_pb.ts';
import { isOwnForm } from '../../../domain/id.ts';
import { isSecretHeader } from '../../../domain/webhook/secret-headers.ts';
import { flagValue } from '../command.ts';
import { enumName, type Job, namespaceOf } from '../job.ts';
import { readWord } from '../values.ts';
import { whichWebhooks } from '../webhook/which.ts';
import { declaredJson } from './asked.ts';
import { allWebhooks } from './owner.ts';
import { withoutReferences } from './variables.ts';
import { FORMATS, type Format, filesText, fileText, literal, type Written } from './written.ts';

/** `carillon webhooks export`. */
export async function exportWebhooks({ invocation, connection, world }: Job): Promise<void> {
  const format = readWord(
    '--format',
    flagValue(invocation, '--format') ?? 'yaml',
    FORMATS,
    '',
  ).toLowerCase() as Format;
  const chosen = { namespace: namespaceOf(invocation), filter: whichWebhooks(invocation) };
  const found = await allWebhooks(connection, chosen);
  const webhooks = found.map(writtenOf).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  warnOfSecrets(found, world);

  const output = flagValue(invocation, '--output');
  if (output === undefined || output === '-') {
    if (webhooks.length > 0) world.out(filesText(webhooks, format));
    return;
  }
  const isFile = /\.(?:ya?ml|json)$/i.test(output) && !output.endsWith('/');
  if (isFile) {
    await world.writeFile(output, filesText(webhooks, format));
  } else {
    for (const webhook of webhooks) {
      await world.writeFile(join(output, `${webhook.id}.${format}`), fileText(webhook, format));
    }
  }
  world.err(
    `carillon: wrote ${webhooks.length === 1 ? '1 webhook' : `${webhooks.length} webhooks`} to ${output}\n`,
  );
}

/** Templates are written as the server has them, and files like these are kept where others read them. */
function warnOfSecrets(webhooks: readonly Webhook[], { err }: Pick<Job['world'], 'err'>): void {
  const names = webhooks.flatMap(({ payload }) => Object.keys(payload?.headerTemplates ?? {}));
  const likely = [...new Set(names.map((name) => name.toLowerCase()))].filter(isSecretHeader);
  if (likely.length === 0) return;
  const some = likely.toSorted().slice(0, NAMED_MAX).join(', ');
  err(
    `carillon: templates of headers that may be secret are written as they are (${some}): put what is secret into secretHeaders\n`,
  );
}

/** How many headers a warning names. */
const NAMED_MAX = 10;

/** A webhook as a file declares it, with what the file cannot say in comments. */
function writtenOf(webhook: Webhook): Written {
  const { id, state } = webhook;
  const { namespace, ...json } = declaredJson(webhook);
  const variable = variablesOf(id);
  const notes = [
    ...(isOwnForm(id)
      ? ["The id is the server's own: another one knows it by its name and destination."]
      : []),
    ...(state === Webhook_State.ACTIVE
      ? []
      : [`It is ${enumName(Webhook_StateSchema, state)}; apply does not change that.`]),
  ];
  return {
    id,
    json: sorted({ ...json, ...(namespace !== DEFAULT_NAMESPACE && { namespace }) }),
    // Where the variable is not set, the webhook keeps the secret that it has.
    variables: {
      ...(json.compatibilitySignature !== undefined && {
        compatibilitySignature: { secret: `\${${variable('COMPATIBILITY_SECRET')}:-}` },
      }),
      ...(webhook.tls?.privateKey !== undefined && {
        tls: { privateKey: { value: `\${${variable('PRIVATE_KEY')}:-}` } },
      }),
    },
    ...(notes.length > 0 && { before: notes.join('\n') }),
    atEnd: placesOfSecrets(webhook, variable),
  };
}

/** What a file can say and this one does not: a server that has these keeps them, and another needs them. */
function placesOfSecrets({ secretHeaders, auth }: Webhook, variable: (what: string) => string): string {
  const placeOf = (what: string) => `\${${variable(what)}}`;
  const names = Object.keys(secretHeaders).toSorted();
  // These come first, so that they are called the same whatever headers there are.
  const signing = { secret: placeOf('secret') };
  const letIn = auth && placeOfAuth(auth, placeOf);
  const places = {
    signing,
    ...(names.length > 0 && {
      secretHeaders: Object.fromEntries(names.map((name) => [name, { value: placeOf(name) }])),
    }),
    ...(letIn && { auth: letIn }),
  };
  return stringify(places, { lineWidth: 0 }).trimEnd();
}

/** All of it, since it stands in place of what the file has. */
function placeOfAuth({ method }: Auth, placeOf: (what: string) => string): JsonObject {
  switch (method.case) {
    case 'basic':
      return {
        basic: {
          username: withoutReferences(method.value.username),
          password: { value: placeOf('password') },
        },
      };
    case 'bearer':
      return { bearer: { token: { value: placeOf('token') } } };
    case 'oauth2': {
      const rest = literal(toJson(OAuth2AuthSchema, method.value) as JsonObject);
      return { oauth2: { ...rest, clientSecret: { value: placeOf('client_secret') } } };
    }
    case undefined:
      return {};
    default:
      return method satisfies never;
  }
}

/** What a webhook without a namespace is in. */
const DEFAULT_NAMESPACE = 'default';

/** Maps of the caller's own have no order; a file that changes only where something does has one. */
function sorted({ payload, headers, labels, secretHeaders, auth, ...rest }: JsonObject): JsonObject {
  const { headerTemplates, ...body } = (payload ?? {}) as JsonObject;
  const { oauth2 } = (auth ?? {}) as { oauth2?: JsonObject };
  const parameters = oauth2?.parameters;
  return {
    ...rest,
    ...(payload !== undefined && {
      payload: { ...body, ...(headerTemplates !== undefined && { headerTemplates: byKey(headerTemplates) }) },
    }),
    ...(headers !== undefined && { headers: byKey(headers) }),
    ...(labels !== undefined && { labels: byKey(labels) }),
    ...(secretHeaders !== undefined && { secretHeaders: byKey(secretHeaders) }),
    ...(auth !== undefined && {
      auth: parameters === undefined ? auth : { oauth2: { ...oauth2, parameters: byKey(parameters) } },
    }),
  };
}

function byKey(map: JsonValue): JsonValue {
  return Object.fromEntries(Object.entries(map as JsonObject).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Names for the variables that the secrets of a webhook can come from, each another: a header may be called `secret`. */
function variablesOf(id: string): (what: string) => string {
  const taken = new Set<string>();
  return (what) => {
    const name = `${id}_${what}`
      .replace(/\W/g, '_')
      .toUpperCase()
      .replace(/^(?=\d)/, '_');
    let free = name;
    for (let i = 2; taken.has(free); i++) free = `${name}_${i}`;
    taken.add(free);
    return free;
  };
}
