import { join } from 'node:path';
import { describe, it } from 'node:test';
import { temporaryFolder } from '../support/server.ts';
import { output, ROOT, TOOLS } from './tool.ts';
import { assertVisit, openWorld, type Visit } from './visit.ts';

const PROGRAM = join(import.meta.dirname, 'python/visit.py');
const ROOTS = ['proto', 'third_party/proto'];
const FILES = [
  'carillon/v1/webhook.proto',
  'carillon/v1/schedule.proto',
  'carillon/v1/delivery.proto',
  'buf/validate/validate.proto',
];

describe('a Python program with generated code', () => {
  it('makes the whole visit', async () => {
    await using generated = await temporaryFolder();
    await output(TOOLS.python, [
      ...['-m', 'grpc_tools.protoc'],
      ...ROOTS.map((root) => `--proto_path=${join(ROOT, root)}`),
      ...[`--python_out=${generated.path}`, `--grpc_python_out=${generated.path}`],
      ...FILES,
    ]);
    await using world = await openWorld();
    const args = [PROGRAM, world.address, world.destination, 'python'];
    const env = { ...process.env, PYTHONPATH: generated.path, PYTHONDONTWRITEBYTECODE: '1' };
    assertVisit(JSON.parse(await output(TOOLS.python, args, { env })) as Visit, world, 'python');
  });
});
