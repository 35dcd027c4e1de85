import {
  create,
  createFileRegistry,
  type DescMethodBiDiStreaming,
  type DescMethodClientStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  type Message,
  type MessageInitShape,
} from '@bufbuild/protobuf';
import type { GenMessage } from '@bufbuild/protobuf/codegenv2';
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { createServiceImplSpec, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import { systemRandom } from '../../src/domain/random.ts';
import { lazyRules } from '../../src/rpc/proto-rules.ts';
import type { Services } from '../../src/rpc/services.ts';
import { createGuard } from '../../src/rpc/transport/guard.ts';
import { OPEN_DOOR } from './door.ts';

/** A service with a method of each kind, for tests of what carries calls rather than of what they do. */

const { OPTIONAL } = FieldDescriptorProto_Label;
const { STRING, INT32, BYTES } = FieldDescriptorProto_Type;

const FILE = create(FileDescriptorProtoSchema, {
  name: 'test/v1/echo.proto',
  package: 'test.v1',
  syntax: 'proto3',
  messageType: [
    {
      name: 'Note',
      field: [
        { name: 'text', number: 1, type: STRING, label: OPTIONAL, jsonName: 'text' },
        { name: 'count', number: 2, type: INT32, label: OPTIONAL, jsonName: 'count' },
        { name: 'data', number: 3, type: BYTES, label: OPTIONAL, jsonName: 'data' },
      ],
    },
  ],
  service: [
    {
      name: 'EchoService',
      method: [
        { name: 'Echo', inputType: '.test.v1.Note', outputType: '.test.v1.Note' },
        { name: 'Repeat', inputType: '.test.v1.Note', outputType: '.test.v1.Note', serverStreaming: true },
        { name: 'Collect', inputType: '.test.v1.Note', outputType: '.test.v1.Note', clientStreaming: true },
        {
          name: 'Chat',
          inputType: '.test.v1.Note',
          outputType: '.test.v1.Note',
          clientStreaming: true,
          serverStreaming: true,
        },
      ],
    },
  ],
});

const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [FILE] }));

export const EchoService: DescService = registry.getService('test.v1.EchoService')!;
export type Note = Message<'test.v1.Note'> & { text: string; count: number; data: Uint8Array };

export const NoteSchema = registry.getMessage('test.v1.Note') as GenMessage<Note>;

export const [Echo, Repeat, Collect, Chat] = EchoService.methods as unknown as readonly [
  DescMethodUnary<GenMessage<Note>, GenMessage<Note>>,
  DescMethodServerStreaming<GenMessage<Note>, GenMessage<Note>>,
  DescMethodClientStreaming<GenMessage<Note>, GenMessage<Note>>,
  DescMethodBiDiStreaming<GenMessage<Note>, GenMessage<Note>>,
];

export function note(fields: MessageInitShape<GenMessage<Note>>): Note {
  return create(NoteSchema, fields);
}

/** The four methods, with the types of their messages known. */
export interface EchoImpl {
  echo(message: Note, context: HandlerContext): Note | Promise<Note>;
  repeat(message: Note, context: HandlerContext): AsyncIterable<Note>;
  collect(messages: AsyncIterable<Note>, context: HandlerContext): Promise<Note>;
  chat(messages: AsyncIterable<Note>, context: HandlerContext): AsyncIterable<Note>;
}

/** Echoes: one for one, `count` for one, one for all, one for each; unless a method is replaced. */
export function echoServices(impl: Partial<EchoImpl> = {}): Pick<Services, 'mounted' | 'guard'> {
  const methods: EchoImpl = {
    echo: (message) => message,
    async *repeat({ count, text }) {
      for (let i = 0; i < count; i++) yield note({ text, count: i });
    },
    async collect(messages) {
      let text = '';
      let count = 0;
      for await (const message of messages) {
        text += message.text;
        count++;
      }
      return note({ text, count });
    },
    async *chat(messages) {
      yield* messages;
    },
    ...impl,
  };
  const random = systemRandom();
  return {
    mounted: [createServiceImplSpec(EchoService, methods as unknown as Partial<ServiceImpl<DescService>>)],
    guard: createGuard({
      rules: lazyRules(),
      selfChecking: new Set(),
      checkNamespace: () => {},
      accessTo: () => 'READ',
      door: OPEN_DOOR,
      policy: { allowedHosts: [], corsOrigins: [] },
      report: () => Buffer.from(random.bytes(8)).toString('hex'),
    }),
  };
}
