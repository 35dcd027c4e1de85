import { type DescField, getOption, hasOption, type Message } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { FieldBehavior, field_behavior } from '../../gen/google/api/field_behavior_pb.ts';

/** Whether a field of a resource behaves so (google.api.field_behavior, AIP-203). */
export function behaves(field: DescField, behavior: keyof typeof FieldBehavior): boolean {
  return (
    hasOption(field, field_behavior) && getOption(field, field_behavior).includes(FieldBehavior[behavior])
  );
}

/**
 * Takes out of a message what only answers have (AIP-203): a resource may be sent back as it came, and what is
 * ignored is not judged either.
 */
export function clearOutputOnly<T extends Message>(type: Parameters<typeof reflect>[0], message: T): T {
  clear(reflect(type, message));
  return message;
}

function clear(message: ReflectMessage): void {
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    if (behaves(field, 'OUTPUT_ONLY')) message.clear(field);
    else if (field.fieldKind === 'message' && !field.message.typeName.startsWith('google.protobuf.')) {
      clear(message.get(field));
    }
  }
}
