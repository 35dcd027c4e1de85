import { join } from 'node:path';
import { type TemporaryFolder, temporaryFolder } from '../support/server.ts';
import { output, ROOT, TOOLS } from './tool.ts';

const ROOTS = ['proto', 'third_party/proto'];
const FILES = [
  'carillon/v1/webhook.proto',
  'carillon/v1/consent.proto',
  'carillon/v1/credentials.proto',
  'carillon/v1/destination_tls.proto',
  'carillon/v1/schedule.proto',
  'carillon/v1/delivery.proto',
  'carillon/v1/event.proto',
  'buf/validate/validate.proto',
];

/** Python code for the API, made from the proto files, for PYTHONPATH. */
export async function generatePython(): Promise<TemporaryFolder> {
  const folder = await temporaryFolder();
  await output(TOOLS.python, [
    ...['-m', 'grpc_tools.protoc'],
    ...ROOTS.map((root) => `--proto_path=${join(ROOT, root)}`),
    ...[`--python_out=${folder.path}`, `--grpc_python_out=${folder.path}`],
    ...FILES,
  ]);
  return folder;
}

/** The environment of a program that uses it. */
export function pythonEnv({ path }: TemporaryFolder): NodeJS.ProcessEnv {
  return { ...process.env, PYTHONPATH: path, PYTHONDONTWRITEBYTECODE: '1' };
}
