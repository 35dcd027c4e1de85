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

export interface CommandOptions {
  /** Where they are run; the root of the repository without it. */
  readonly cwd?: string;
  /** Folders of tools that go before the project's own. */
  readonly tools?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A minute without it. */
  readonly timeoutMs?: number;
}

/** A text of the documentation with the ports of a server in place of the usual ones. */
export function aimedAt({ port, grpcAddress }: Server, text: string): string {
  return text.replaceAll(':8090', `:${port}`).replaceAll(':8091', `:${grpcAddress.split(':').at(-1)}`);
}

/**
 * Runs commands of a document word for word, but for the ports, with the tools that the project brings.
 * `carillon` is the program. Resolves with what they print; rejects when one of them fails.
 */
export async function runCommands(
  document: string,
  name: string,
  server: Server,
  { cwd = ROOT, tools = [], env = {}, timeoutMs = 60_000 }: CommandOptions = {},
): Promise<string> {
  const script = aimedAt(server, blockOf(document, 'run', name));
  await using folder = await temporaryFolder();
  const main = join(ROOT, 'src/main.ts');
  const program = `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`;
  await writeFile(join(folder.path, 'carillon'), program, { mode: 0o755 });
  const brought = [folder.path, join(ROOT, '.interop/bin'), join(ROOT, 'node_modules/.bin')];
  const all = {
    ...process.env,
    NODE_OPTIONS: '',
    PATH: [...tools, ...brought, process.env.PATH].join(delimiter),
    CARILLON_ADDRESS: `http://127.0.0.1:${server.port}`,
    ...env,
  };
  const args = ['-euo', 'pipefail', '-c', script];
  const { stdout } = await exec('bash', args, { cwd, env: all, timeout: timeoutMs });
  return stdout;
}
