import { after, before, describe, it } from 'node:test';
import { githubPayloads } from '../support/github-payloads.ts';
import { openPayloadWorld, type PayloadWorld } from '../support/payload-world.ts';
import { WAYS } from '../support/publishers.ts';

describe('the payloads of GitHub', () => {
  const payloads = githubPayloads();
  let world: PayloadWorld;
  before(async () => {
    world = await openPayloadWorld();
  });
  after(() => world[Symbol.asyncDispose]());

  for (const [way, open] of Object.entries(WAYS)) {
    it(`arrive byte for byte, RAW and enveloped, by ${way}`, () => world.deliver(open, payloads));
  }
});
