import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { PublishRequestSchema, PublishResponseSchema } from '../../gen/carillon/v1/event_pb.ts';
import { Refusal } from '../support/call.ts';
import { githubPayloads } from '../support/github-payloads.ts';
import { KEPT, REFUSED } from '../support/odd-payloads.ts';
import { openPayloadWorld, type PayloadWorld } from '../support/payload-world.ts';
import type { Answer, Server, Way } from '../support/publishers.ts';
import type { TemporaryFolder } from '../support/server.ts';
import { generatePython, pythonEnv } from './python-code.ts';
import { output, TOOLS } from './tool.ts';

const PROGRAM = join(import.meta.dirname, 'python/publish.py');

/** Its calls, and where it makes them. */
const WAYS: readonly (readonly [string, 'unary' | 'stream', (server: Server) => string])[] = [
  ['Publish on the Connect port', 'unary', ({ url }) => new URL(url).host],
  ['PublishStream on the Connect port', 'stream', ({ url }) => new URL(url).host],
  ['Publish on the native port', 'unary', ({ grpcAddress }) => grpcAddress],
  ['PublishStream on the native port', 'stream', ({ grpcAddress }) => grpcAddress],
];

describe('the payloads of a Python program with generated code', () => {
  let generated: TemporaryFolder;
  let world: PayloadWorld;
  before(async () => {
    generated = await generatePython();
    world = await openPayloadWorld();
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await generated[Symbol.asyncDispose]();
  });

  for (const [name, kind, addressOf] of WAYS) {
    it(`arrive byte for byte, or are refused, by ${name}`, async () => {
      const open: Way = (server) => pythonPublisher([addressOf(server), kind], generated);
      await world.deliver(open, [...githubPayloads(), ...KEPT]);
      await world.refuse(open, REFUSED);
    });
  }
});

function pythonPublisher(args: readonly string[], generated: TemporaryFolder): ReturnType<Way> {
  return {
    async publish(requests) {
      const lines = requests.map((request) =>
        Buffer.from(toBinary(PublishRequestSchema, request)).toString('base64'),
      );
      const options = { env: pythonEnv(generated), input: `${lines.join('\n')}\n` };
      const printed = await output(TOOLS.python, [PROGRAM, ...args], options);
      return printed.trimEnd().split('\n').map(answerOf);
    },
    async [Symbol.asyncDispose]() {},
  };
}

function answerOf(line: string): Answer {
  const { code, message, fields, ...published } = JSON.parse(line);
  return code === undefined ? create(PublishResponseSchema, published) : new Refusal(code, message, fields);
}
