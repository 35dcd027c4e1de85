import { CLIENT_VARIABLES } from '../../server/config/settings.ts';
import type { World } from '../world.ts';
import { flagValue, type Invocation, UsageError } from './command.ts';
import { readNamed } from './named-file.ts';

/**
 * The key to call with: a flag, or else a variable; the key itself, or else the file that holds it. Undefined without
 * one. Raises UsageError, which does not repeat it.
 */
export async function apiKeyOf(
  invocation: Pick<Invocation, 'flags'>,
  world: Pick<World, 'env' | 'cwd' | 'readFile'>,
): Promise<string | undefined> {
  const { env } = world;
  const given = [
    ['--api-key', flagValue(invocation, '--api-key'), false],
    ['--api-key-file', flagValue(invocation, '--api-key-file'), true],
    [CLIENT_VARIABLES.apiKey, env[CLIENT_VARIABLES.apiKey] || undefined, false],
    [CLIENT_VARIABLES.apiKeyFile, env[CLIENT_VARIABLES.apiKeyFile] || undefined, true],
  ] as const;
  for (const [from, value, isFile] of given) {
    if (value === undefined) continue;
    const text = isFile ? await readNamed(from, value, world) : value;
    const key = text.trim();
    if (/^ck_[\w-]+$/.test(key)) return key;
    throw new UsageError(
      `${from} ${isFile ? 'names a file that holds no key' : 'is no key'}; a key begins with ck_`,
    );
  }
  return undefined;
}
