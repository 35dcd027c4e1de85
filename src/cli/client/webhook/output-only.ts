import { type DescMessage, getOption } from '@bufbuild/protobuf';
import { WebhookSchema } from '../../../../gen/carillon/v1/webhook_pb.ts';
import { FieldBehavior, field_behavior } from '../../../../gen/google/api/field_behavior_pb.ts';

/** The fields of a message that no caller sets, by their names in the proto file. */
export function outputOnlyOf({ fields }: DescMessage): string[] {
  return fields
    .filter((field) => getOption(field, field_behavior).includes(FieldBehavior.OUTPUT_ONLY))
    .map(({ name }) => name);
}

/** The fields of a webhook that say how it is. */
export const OUTPUT_ONLY: ReadonlySet<string> = new Set([
  ...outputOnlyOf(WebhookSchema),
  // It is sent back, to say which state of the webhook a change is about.
  'etag',
]);
