/** The command line in a process of its own. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ROOT } from './docs.ts';

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Given {
  readonly cwd: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs `carillon …` against a server as a script would, and waits for its end. */
export async function runClientProcess(
  url: string,
  argv: readonly string[],
  { cwd, input = '', env = {} }: Given,
): Promise<Ended> {
  const child = spawn(process.execPath, [join(ROOT, 'src/main.ts'), ...argv], {
    cwd,
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', CARILLON_ADDRESS: url, ...env },
    stdio: 'pipe',
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  // One that reads nothing may have ended already.
  child.stdin.on('error', () => {}).end(input);
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, out, err };
}
