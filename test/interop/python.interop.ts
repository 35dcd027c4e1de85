import { join } from 'node:path';
import { describe, it } from 'node:test';
import { generatePython, pythonEnv } from './python-code.ts';
import { output, TOOLS } from './tool.ts';
import { assertVisit, GRPC_PORTS, openWorld, type Visit } from './visit.ts';

const PROGRAM = join(import.meta.dirname, 'python/visit.py');

describe('a Python program with generated code', () => {
  for (const [port, address] of GRPC_PORTS) {
    it(`makes the whole visit on ${port}`, async () => {
      await using generated = await generatePython();
      await using world = await openWorld();
      const args = [PROGRAM, world[address], world.destination, 'python'];
      const printed = await output(TOOLS.python, args, { env: pythonEnv(generated) });
      assertVisit(JSON.parse(printed) as Visit, world, 'python');
    });
  }
});
