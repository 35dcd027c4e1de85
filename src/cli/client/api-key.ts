import { resolve } from 'node:path';
import { CLIENT_VARIABLES } from '../../server/config/settings.ts';
import type { World } from '../world.ts';
import { flagValue, type Invocation, UsageError } from './command.ts';

/**
 * The key to call with: a flag, or else a variable; the key itself, or else the file that holds it. Undefined without
 * one. Raises UsageError, which does not repeat it.
 */
export async function apiKeyOf(
  invocation: Pick<Invocation, 'flags'>,
  { env, cwd, readFile }: Pick<World, 'env' | 'cwd' | 'readFile'>,
): Promise<string | undefined> {
  const given = [
    ['--api-key', flagValue(invocation, '--api-key'), false],
    ['--api-key-file', flagValue(invocation, '--api-key-file'), true],
    [CLIENT_VARIABLES.apiKey, env[CLIENT_VARIABLES.apiKey] || undefined, false],
    [CLIENT_VARIABLES.apiKeyFile, env[CLIENT_VARIABLES.apiKeyFile] || undefined, true],
  ] as const;
  for (const [from, value, isFile] of given) {
    if (value === undefined) continue;
    const text = isFile ? await read(from, resolve(cwd, value), readFile) : value;
    const key = text.trim();
    if (/^ck_[\w-]+$/.test(key)) return key;
    throw new UsageError(
      `${from} ${isFile ? 'names a file that holds no key' : 'is no key'}; a key begins with ck_`,
    );
  }
  return undefined;
}

async function read(from: string, path: string, readFile: World['readFile']): Promise<string> {
  let text: string | undefined;
  try {
    text = await readFile(path);
  } catch (error) {
    throw new UsageError(
      `${from}: ${path} cannot be read: ${error instanceof Error ? error.message : error}`,
    );
  }
  if (text === undefined) throw new UsageError(`${from}: there is no file ${path}`);
  return text;
}
