import { join } from 'node:path';
import { describe, it } from 'node:test';
import { temporaryFolder } from '../support/server.ts';
import { output, ROOT, TOOLS } from './tool.ts';
import { assertVisit, openWorld, type Visit } from './visit.ts';

const HERE = join(import.meta.dirname, 'go');

describe('a Go program with generated code', () => {
  it('makes the whole visit', async () => {
    await output(TOOLS.buf, ['generate', '--template', join(HERE, 'buf.gen.yaml')], { cwd: ROOT });
    await using folder = await temporaryFolder();
    const program = join(folder.path, 'visit');
    await output(TOOLS.go, ['build', '-buildvcs=false', '-o', program, '.'], { cwd: HERE });
    await using world = await openWorld();
    const printed = await output(program, [world.address, world.destination, 'go']);
    assertVisit(JSON.parse(printed) as Visit, world, 'go');
  });
});
