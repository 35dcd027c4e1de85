import type { DescField, DescMessage } from '@bufbuild/protobuf';

/** A field of a request, or of a message in it. */
export interface FieldPath {
  /** As the proto file names it: `webhook.id`. */
  readonly name: string;
  readonly fields: readonly DescField[];
}

/** A field by its path, whose names may be as in the proto file or in camel case. */
export function fieldAt(message: DescMessage, path: string): FieldPath | undefined {
  const fields: DescField[] = [];
  let inside: DescMessage | undefined = message;
  for (const name of path.split('.')) {
    const field: DescField | undefined = inside?.fields.find(
      (each) => each.name === name || each.jsonName === name,
    );
    if (field === undefined) return undefined;
    fields.push(field);
    inside = field.fieldKind === 'message' ? field.message : undefined;
  }
  return { name: fields.map(({ name }) => name).join('.'), fields };
}

/** Messages that are one value in JSON, and one parameter in a query. */
const ONE_VALUE = new Set([
  'google.protobuf.Timestamp',
  'google.protobuf.Duration',
  'google.protobuf.FieldMask',
]);

/** Messages that no parameter of a query can hold. */
const NO_PARAMETER = new Set([
  'google.protobuf.Value',
  'google.protobuf.Struct',
  'google.protobuf.ListValue',
  'google.protobuf.Any',
]);

/** Deeper fields are no parameters: some types hold themselves. */
const DEPTH_MAX = 4;

/** Every field of a message that a query can hold: values, lists and maps of values, in messages as well. */
export function parametersOf(message: DescMessage, without: ReadonlySet<string>): FieldPath[] {
  const found: FieldPath[] = [];
  const visit = (inside: DescMessage, above: readonly DescField[]): void => {
    for (const field of inside.fields) {
      const fields = [...above, field];
      const name = fields.map((each) => each.name).join('.');
      if (without.has(name)) continue;
      if (isMessage(field) && !ONE_VALUE.has(field.message!.typeName)) {
        const holdsMany = field.fieldKind !== 'message';
        if (holdsMany || NO_PARAMETER.has(field.message!.typeName) || fields.length >= DEPTH_MAX) continue;
        visit(field.message!, fields);
      } else found.push({ name, fields });
    }
  };
  visit(message, []);
  return found;
}

function isMessage(field: DescField): boolean {
  return field.message !== undefined;
}
