import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import { isReflectMessage, type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import type { Turns } from '../publish/turns.ts';

/**
 * What a message says, so that the same is always the same bytes: maps are sorted, what is not set is left out, and
 * so is what no field is for. `isLeftOut` says which of its own fields count for nothing. The binary format promises
 * none of this (https://protobuf.dev/programming-guides/serialization-not-canonical/).
 */
export async function contentOf(
  type: DescMessage,
  message: Message,
  isLeftOut: (field: DescField) => boolean,
  turns: Turns,
): Promise<Uint8Array> {
  const reflected = reflect(type, message);
  const fields: string[] = [];
  for (const field of reflected.sortedFields) {
    if (!reflected.isSet(field) || isLeftOut(field)) continue;
    const content =
      field.fieldKind === 'list'
        ? await listOf(reflected.get(field), turns)
        : JSON.stringify(fieldOf(reflected, field));
    fields.push(`["${field.number}",${content}]`);
  }
  return new TextEncoder().encode(`[${fields.join(',')}]`);
}

/** The items of a list, of which there can be a thousand events: others have their turn in between. */
async function listOf(items: Iterable<unknown>, turns: Turns): Promise<string> {
  const contents: string[] = [];
  for (const item of items) {
    contents.push(JSON.stringify(singleOf(item)));
    if (turns.isOver()) await turns.next();
  }
  return `[${contents.join(',')}]`;
}

type Content = string | boolean | readonly Content[];

function fieldsOf(message: ReflectMessage): Content {
  return message.sortedFields
    .filter((field) => message.isSet(field))
    .map((field) => [String(field.number), fieldOf(message, field)]);
}

function fieldOf(message: ReflectMessage, field: DescField): Content {
  switch (field.fieldKind) {
    case 'list':
      return [...message.get(field)].map(singleOf);
    case 'map':
      return [...message.get(field)]
        .map(([key, value]): [string, Content] => [String(key), singleOf(value)])
        .sort(([a], [b]) => (a < b ? -1 : 1));
    case 'message':
    case 'scalar':
    case 'enum':
      return singleOf(message.get(field));
    default:
      return field satisfies never;
  }
}

function singleOf(value: unknown): Content {
  if (isReflectMessage(value)) return fieldsOf(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return typeof value === 'boolean' ? value : String(value);
}
