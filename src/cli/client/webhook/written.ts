import { type DescMessage, fromJson, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import { type Webhook, WebhookSchema } from '../../../../gen/carillon/v1/webhook_pb.ts';
import type { World } from '../../world.ts';
import { flagValue, flagValues, type Invocation, UsageError } from '../command.ts';
import { readContent, readJson, readText } from '../event/written-data.ts';
import { withoutShortForms } from '../short-forms.ts';
import { durationJson, readEntry, readNumber, readWord, snakeCase, timeJson } from '../values.ts';
import { AUTH_FIELDS } from './auth-fields.ts';
import type { WebhookField } from './field-kinds.ts';
import { WEBHOOK_FIELDS } from './fields.ts';

type Files = Pick<World, 'readBytes' | 'now'>;

/** A webhook as the command line has it, and which of its fields were given, as an update mask names them. */
export interface WrittenWebhook {
  readonly webhook: Webhook;
  readonly paths: readonly string[];
}

/** Options of which a webhook has one at most. */
const EITHER = [
  ['--every', '--cron', '--at'],
  ['--template', '--text', '--data'],
] as const;

/** Makes a webhook of `--from` and the options. Raises UsageError. */
export async function writtenWebhook(invocation: Invocation, world: Files): Promise<WrittenWebhook> {
  const isGiven = (flag: string) => flagValue(invocation, flag) !== undefined;
  for (const flags of EITHER) {
    const [first, second] = flags.filter(isGiven);
    if (second !== undefined) throw bothGiven(first!, second);
  }
  const [letIn, ...others] = AUTH_FIELDS.filter(({ flag }) => isGiven(flag));
  const other = others.find((each) => methodOf(each) !== methodOf(letIn!));
  if (other !== undefined) throw bothGiven(letIn!.flag, other.flag);
  const json = await readFrom(invocation, world);
  const paths = new Set(Object.keys(json).map(snakeCase));
  for (const field of WEBHOOK_FIELDS) {
    const texts = flagValues(invocation, field.flag);
    if (texts.length === 0) continue;
    const several = texts.length > 1 ? field.several : undefined;
    const names = (several ?? field.field).split('.').slice(1);
    const value = several === undefined ? await jsonOf(field, texts, world) : [...texts];
    place(json, names, value, WebhookSchema);
    // What is given of a message replaces it; but who has a new password, say, need not say all the rest again.
    const depth = names[0] === 'auth' ? 3 : 2;
    if (field.is.kind !== 'secretEntries') paths.add(names.slice(0, depth).join('.'));
    else for (const name of Object.keys(value as JsonObject)) paths.add(entryPath(names, name));
  }
  try {
    const webhook = fromJson(WebhookSchema, withoutShortForms(WebhookSchema, json));
    return { webhook, paths: narrowed(paths) };
  } catch (error) {
    const from = flagValue(invocation, '--from') === undefined ? '' : '--from: ';
    throw new UsageError(`${from}it is not a webhook: ${whyNot((error as Error).message)}`);
  }
}

function bothGiven(first: string, second: string): UsageError {
  return new UsageError(`${first} and ${second} are both given; give one of them`);
}

/** Of `webhook.auth.basic.username`, `basic`. */
function methodOf({ field }: WebhookField): string | undefined {
  return field.split('.')[2];
}

/** The library's words, without what was given where that may be a secret. Which message it is has been said. */
function whyNot(message: string): string {
  const why = message.replace(/^cannot decode message \S+ from JSON: /, '');
  const [, what] = /^cannot decode (?:message|field) carillon\.v1\.(\S+) from JSON: /.exec(message) ?? [];
  return what !== undefined && MAYBE_SECRET.test(what) && !why.endsWith(' is unknown')
    ? `${what} is given in a wrong form`
    : why;
}

const MAYBE_SECRET = /^(?:\w*Auth|Signing|SecretValue|DestinationTls)\b|\.(?:headers|secret)$/;

async function readFrom(invocation: Invocation, world: Files): Promise<JsonObject> {
  const path = flagValue(invocation, '--from');
  if (path === undefined) return {};
  const json = await readJson('--from', path, world);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new UsageError('--from: a webhook must be a JSON object');
  }
  return printed(json as JsonObject);
}

/** What `--json` of get or register printed has the webhook in it, and no webhook has a field of that name. */
function printed(json: JsonObject): JsonObject {
  const { webhook } = json;
  return typeof webhook === 'object' && webhook !== null && !Array.isArray(webhook) ? webhook : json;
}

async function jsonOf(
  { flag, is }: WebhookField,
  texts: readonly string[],
  world: Files,
): Promise<JsonValue> {
  const text = texts.at(-1)!;
  switch (is.kind) {
    case 'text':
      return text;
    case 'content': {
      const content = await readText(flag, text, world);
      return is.line ? content.trimEnd() : content;
    }
    case 'bytes':
      return Buffer.from(await readContent(flag, text, world)).toString('base64');
    case 'number':
      return readNumber(flag, text);
    case 'duration':
      return durationJson(flag, text);
    case 'durations':
      return texts.map((each) => durationJson(flag, each));
    case 'time':
      return timeJson(flag, text, world.now(), 'ahead');
    case 'switch':
      return true;
    case 'word':
      return readWord(flag, text, is.words, is.prefix);
    case 'texts':
      return [...texts];
    case 'entries':
      return Object.fromEntries(texts.map((each) => readEntry(flag, each)));
    case 'secretEntries': {
      const entries = texts.map(async (each): Promise<[string, JsonValue]> => {
        const [name, written] = readEntry(flag, each);
        return [name.toLowerCase(), { value: (await readText(flag, written, world)).trimEnd() }];
      });
      return Object.fromEntries(await Promise.all(entries));
    }
    default:
      return is satisfies never;
  }
}

/**
 * Puts a value where its path says, in place of a field that does not go with it, such as every with cron. Names may
 * be written in either way of ProtoJSON in the file.
 */
function place(
  json: JsonObject,
  [name = '', ...rest]: readonly string[],
  value: JsonValue,
  type: DescMessage | undefined,
): void {
  const field = type?.fields.find((each) => each.name === name);
  const others = field?.oneof?.fields.filter((each) => each !== field) ?? [];
  for (const each of Object.keys(json)) {
    if (others.some((other) => other.name === snakeCase(each))) delete json[each];
  }
  const key = Object.keys(json).find((each) => snakeCase(each) === name) ?? name;
  if (rest.length === 0) {
    json[key] = value;
    return;
  }
  const inner = json[key];
  const object = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? inner : {};
  json[key] = object;
  place(object, rest, value, field?.message);
}

/** A header's name can have dots and back-quotes (AIP-161). */
function entryPath(names: readonly string[], name: string): string {
  return `${names.join('.')}.${/[.`]/.test(name) ? `\`${name.replaceAll('`', '``')}\`` : name}`;
}

/** Without paths that lie within others. */
function narrowed(paths: ReadonlySet<string>): string[] {
  return [...paths].filter((path) => !path.includes('.') || !paths.has(path.split('.')[0]!));
}
