import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type TemporaryFolder, temporaryFolder } from '../support/server.ts';
import { output, ROOT, TOOLS } from './tool.ts';
import { assertVisit, GRPC_PORTS, openWorld, type Visit } from './visit.ts';

const HERE = join(import.meta.dirname, 'go');

describe('a Go program with generated code', () => {
  let folder: TemporaryFolder;
  before(async () => {
    await output(TOOLS.buf, ['generate', '--template', join(HERE, 'buf.gen.yaml')], { cwd: ROOT });
    folder = await temporaryFolder();
    await output(TOOLS.go, ['build', '-buildvcs=false', '-o', join(folder.path, 'visit'), '.'], {
      cwd: HERE,
    });
  });
  after(() => folder[Symbol.asyncDispose]());

  for (const [port, address] of GRPC_PORTS) {
    it(`makes the whole visit on ${port}`, async () => {
      await using world = await openWorld();
      const printed = await output(join(folder.path, 'visit'), [world[address], world.destination, 'go']);
      assertVisit(JSON.parse(printed) as Visit, world, 'go');
    });
  }
});
