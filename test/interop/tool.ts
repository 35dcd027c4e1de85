import { type ExecFileOptions, execFile } from 'node:child_process';
import { join } from 'node:path';

/** The root of the repository. */
export const ROOT = join(import.meta.dirname, '../..');

/** What `.ci/install-interop` installs. */
const INSTALLED = join(ROOT, '.interop');
export const TOOLS = {
  grpcurl: join(INSTALLED, 'bin/grpcurl'),
  conformance: join(INSTALLED, 'bin/connectconformance'),
  cloudeventsGo: join(INSTALLED, 'bin/cloudevents-read'),
  healthProbe: join(INSTALLED, 'bin/grpc-health-probe'),
  h2spec: join(INSTALLED, 'bin/h2spec'),
  helm: join(INSTALLED, 'bin/helm'),
  compose: join(INSTALLED, 'bin/compose-read'),
  hadolint: join(INSTALLED, 'python/bin/hadolint'),
  kubernetesValidate: join(INSTALLED, 'python/bin/kubernetes-validate'),
  python: join(INSTALLED, 'python/bin/python'),
  schemathesis: join(INSTALLED, 'python/bin/schemathesis'),
  buf: join(ROOT, 'node_modules/.bin/buf'),
  curl: 'curl',
  java: 'java',
  go: 'go',
  cargo: 'cargo',
} as const;

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How long a tool may take; compilers are the slowest, and wait for each other. */
const TIMEOUT_MS = 900_000;

export interface RunOptions extends ExecFileOptions {
  /** What it reads from its standard input; nothing without one. */
  readonly input?: string | Uint8Array;
}

/** Runs a tool to its end, whatever its exit code; rejects when it cannot be started. */
export function run(tool: string, args: readonly string[], options: RunOptions = {}): Promise<Run> {
  return new Promise((resolve, reject) => {
    const { input = '', ...rest } = options;
    const all = { timeout: TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024, ...rest, encoding: 'utf8' } as const;
    const child = execFile(tool, args, all, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (error.code === 'ENOENT')
        reject(new Error(`${tool} is missing; run .ci/install-interop`, { cause: error }));
      else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
      else reject(error);
    });
    // It may end without having read it.
    child.stdin?.on('error', () => {}).end(input);
  });
}

/** Runs a tool that must succeed, and resolves with what it printed. */
export async function output(
  tool: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await run(tool, args, options);
  if (code !== 0) throw new Error(`${tool} ${args.join(' ')} exited with ${code}:\n${stdout}${stderr}`);
  return stdout;
}
