import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const exec = promisify(execFile);

/** The commands of the README that are marked `<!-- run: name -->`. */
export function readmeCommands(name: string): string {
  const found = new RegExp(`<!-- run: ${name} -->\\n\`\`\`sh\\n([\\s\\S]*?)\`\`\``).exec(README);
  if (found === null) throw new Error(`the README has no commands marked ${name}`);
  return found[1]!;
}

/** The names of all marked commands. */
export function readmeNames(): string[] {
  return [...README.matchAll(/<!-- run: (\w+) -->/g)].map(([, name]) => name!);
}

/** Runs them word for word, but for the port, with the tools that the project brings. Resolves with what they print. */
export async function runReadme(name: string, port: number): Promise<string> {
  const script = readmeCommands(name).replaceAll(':8090', `:${port}`);
  const tools = [join(ROOT, '.interop/bin'), join(ROOT, 'node_modules/.bin'), process.env.PATH];
  const env = { ...process.env, PATH: tools.join(delimiter) };
  const { stdout } = await exec('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: ROOT,
    env,
    timeout: 60_000,
  });
  return stdout;
}
