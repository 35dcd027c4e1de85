import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { blockOf, blocksOf, ROOT } from './docs.ts';
import { temporaryFolder } from './server.ts';

const exec = promisify(execFile);

/** Where a server is that the commands of a document are meant for. */
export interface Server {
  readonly port: number;
  readonly grpcAddress: string;
}

/** The names of all commands of a document that are marked `<!-- run: name -->`. */
export function commandsOf(document: string): string[] {
  return blocksOf(document).flatMap(({ kind, name }) => (kind === 'run' ? [name] : []));
}

/**
 * Runs commands of a document word for word, but for the ports, with the tools that the project brings.
 * `carillon` is the program. Resolves with what they print; rejects when one of them fails.
 */
export async function runCommands(
  document: string,
  name: string,
  { port, grpcAddress }: Server,
): Promise<string> {
  const script = blockOf(document, 'run', name)
    .replaceAll(':8090', `:${port}`)
    .replaceAll(':8091', `:${grpcAddress.split(':').at(-1)}`);
  await using folder = await temporaryFolder();
  const main = join(ROOT, 'src/main.ts');
  const program = `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`;
  await writeFile(join(folder.path, 'carillon'), program, { mode: 0o755 });
  const tools = [folder.path, join(ROOT, '.interop/bin'), join(ROOT, 'node_modules/.bin'), process.env.PATH];
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    PATH: tools.join(delimiter),
    CARILLON_ADDRESS: `http://127.0.0.1:${port}`,
  };
  const args = ['-euo', 'pipefail', '-c', script];
  const { stdout } = await exec('bash', args, { cwd: ROOT, env, timeout: 60_000 });
  return stdout;
}
