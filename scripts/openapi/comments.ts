import type { FileDescriptorSet, SourceCodeInfo } from '@bufbuild/protobuf/wkt';

/** What the proto files say about each message, field, enum, value, service and method, by full name. */
export type Comments = ReadonlyMap<string, string>;

interface Named {
  readonly name: string;
}

interface MessageProto extends Named {
  readonly field: readonly Named[];
  readonly nestedType: readonly MessageProto[];
  readonly enumType: readonly EnumProto[];
}

interface EnumProto extends Named {
  readonly value: readonly Named[];
}

/** Reads the comments out of descriptors with source info, which those that are generated for Node do not have. */
export function readComments({ file }: FileDescriptorSet): Comments {
  const comments = new Map<string, string>();
  for (const { package: name, sourceCodeInfo, messageType, enumType, service } of file) {
    const at = commentsAt(sourceCodeInfo);
    // The numbers are those of the fields in descriptor.proto, of which paths are made.
    const note = (fullName: string, path: readonly number[]) => {
      const comment = at.get(path.join('.'));
      if (comment !== undefined) comments.set(fullName, comment);
    };
    const ofEnum = (type: EnumProto, within: string, path: readonly number[]) => {
      note(`${within}.${type.name}`, path);
      for (const [i, value] of type.value.entries())
        note(`${within}.${type.name}.${value.name}`, [...path, 2, i]);
    };
    const ofMessage = (type: MessageProto, within: string, path: readonly number[]) => {
      const fullName = `${within}.${type.name}`;
      note(fullName, path);
      for (const [i, field] of type.field.entries()) note(`${fullName}.${field.name}`, [...path, 2, i]);
      for (const [i, nested] of type.nestedType.entries()) ofMessage(nested, fullName, [...path, 3, i]);
      for (const [i, nested] of type.enumType.entries()) ofEnum(nested, fullName, [...path, 4, i]);
    };
    for (const [i, type] of messageType.entries()) ofMessage(type, name, [4, i]);
    for (const [i, type] of enumType.entries()) ofEnum(type, name, [5, i]);
    for (const [i, each] of service.entries()) {
      note(`${name}.${each.name}`, [6, i]);
      for (const [j, method] of each.method.entries())
        note(`${name}.${each.name}.${method.name}`, [6, i, 2, j]);
    }
  }
  return comments;
}

/** Paragraphs in a line each, by path. */
function commentsAt(info: SourceCodeInfo | undefined): Map<string, string> {
  return new Map(
    (info?.location ?? [])
      .filter(({ leadingComments }) => leadingComments !== '')
      .map(({ path, leadingComments }) => [path.join('.'), tidy(leadingComments)]),
  );
}

function tidy(comment: string): string {
  return comment
    .split(/\n[ \t]*\n/)
    .map((paragraph) => paragraph.replaceAll(/\s+/g, ' ').trim())
    .filter((paragraph) => paragraph !== '')
    .join('\n\n');
}
