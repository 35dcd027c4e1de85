import { type DescFile, type DescMessage, type DescService, toBinary } from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';

/** The proto files behind some services, and further ones, with all that they import. */
export interface FileIndex {
  /** Full names of the services. */
  readonly services: readonly string[];
  byName(name: string): DescFile | undefined;
  /** The file that has this message, field, oneof, enum, enum value, extension, service or method. */
  bySymbol(name: string): DescFile | undefined;
  /** Extensions of a message: their numbers, and where each is. Undefined when there is no such message. */
  extensionsOf(typeName: string): ReadonlyMap<number, DescFile> | undefined;
  /** Serialized: this file, and those it imports unless `sent` has them, which it has afterwards. */
  withImports(file: DescFile | undefined, sent: Set<string>): Uint8Array[] | undefined;
}

export function indexFiles(services: readonly DescService[], further: readonly DescFile[] = []): FileIndex {
  const files = new Map<string, DescFile>();
  for (const root of [...services.map(({ file }) => file), ...further])
    for (const file of closure(root)) files.set(nameOf(file), file);
  const symbols = new Map<string, DescFile>();
  const extensions = new Map<string, Map<number, DescFile>>();
  for (const file of files.values()) collect(file, symbols, extensions);
  const serialized = new Map<DescFile, Uint8Array>();

  const serialize = (file: DescFile): Uint8Array => {
    const known = serialized.get(file);
    if (known !== undefined) return known;
    const bytes = toBinary(FileDescriptorProtoSchema, file.proto);
    serialized.set(file, bytes);
    return bytes;
  };

  return {
    services: services.map((service) => service.typeName),
    byName: (name) => files.get(name),
    bySymbol: (name) => symbols.get(name),
    extensionsOf: (typeName) => extensions.get(typeName),
    withImports(file, sent) {
      if (file === undefined) return undefined;
      const wanted = closure(file).filter((each) => each === file || !sent.has(nameOf(each)));
      for (const each of wanted) sent.add(nameOf(each));
      return wanted.map(serialize);
    },
  };
}

/** A file and all that it imports: itself first, and each before those that it imports. */
function closure(file: DescFile): DescFile[] {
  const found = new Set<DescFile>();
  const visit = (each: DescFile): void => {
    if (found.has(each)) return;
    for (const imported of each.dependencies) visit(imported);
    found.add(each);
  };
  visit(file);
  return [...found].reverse();
}

/** protobuf-es leaves out the `.proto`. */
function nameOf(file: DescFile): string {
  return file.proto.name;
}

function collect(
  file: DescFile,
  symbols: Map<string, DescFile>,
  extensions: Map<string, Map<number, DescFile>>,
): void {
  for (const found of nestedTypes(file)) {
    symbols.set(found.typeName, file);
    switch (found.kind) {
      case 'message':
        for (const member of [...found.fields, ...found.oneofs])
          symbols.set(`${found.typeName}.${member.name}`, file);
        if (!extensions.has(found.typeName)) extensions.set(found.typeName, new Map());
        break;
      case 'enum':
        // The values of an enum are its siblings, as in C++.
        for (const value of found.values) symbols.set(sibling(found.typeName, value.name), file);
        break;
      case 'service':
        for (const method of found.methods) symbols.set(`${found.typeName}.${method.name}`, file);
        break;
      case 'extension':
        extensionsOf(found.extendee, extensions).set(found.number, file);
        break;
      default:
        found satisfies never;
    }
  }
}

function extensionsOf(
  message: DescMessage,
  extensions: Map<string, Map<number, DescFile>>,
): Map<number, DescFile> {
  const known = extensions.get(message.typeName) ?? new Map<number, DescFile>();
  extensions.set(message.typeName, known);
  return known;
}

function sibling(typeName: string, name: string): string {
  const parent = typeName.slice(0, typeName.lastIndexOf('.') + 1);
  return parent + name;
}
