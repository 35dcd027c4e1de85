import { after, before, describe, it } from 'node:test';
import { githubPayloads, githubSchema } from '../support/github-payloads.ts';
import {
  openPayloadWorld,
  type PayloadWorld,
  type SentPayload,
  type WayName,
} from '../support/payload-world.ts';
import { WAYS } from '../support/publishers.ts';

describe('the payloads of GitHub', () => {
  let world: PayloadWorld;
  before(async () => {
    world = await openPayloadWorld();
  });
  after(() => world[Symbol.asyncDispose]());

  for (const way of Object.keys(WAYS) as WayName[]) {
    it(`arrive byte for byte, RAW and enveloped, by ${way}`, () => world.deliver(way, ALL));
  }
});

/** Every one of them, in turn as text and as bytes. */
const ALL: readonly SentPayload[] = [...githubPayloads(), githubSchema()].map(({ type, text }, i) => {
  const bytes = Buffer.from(text);
  const data = i % 2 === 0 ? { case: 'text', value: text } : { case: 'bytes', value: new Uint8Array(bytes) };
  return {
    name: `${type} (${i})`,
    type,
    data: data as SentPayload['data'],
    contentType: 'application/json',
    raw: bytes,
    enveloped: text,
  };
});
