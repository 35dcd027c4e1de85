import { resolve } from 'node:path';
import type { World } from '../world.ts';
import { UsageError } from './command.ts';

/** The text of a file that an option or a variable names. Rejects with UsageError, which says which. */
export async function readNamed(
  from: string,
  name: string,
  { cwd, readFile }: Pick<World, 'cwd' | 'readFile'>,
): Promise<string> {
  const path = resolve(cwd, name);
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
