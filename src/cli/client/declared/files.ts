import type { World } from '../../world.ts';
import { UsageError } from '../command.ts';
import { utf8 } from '../event/written-data.ts';

/** A file as it was read. */
export interface Source {
  /** Its path, or what standard input is called. */
  readonly file: string;
  readonly text: string;
}

/** How much is read of all files together, and of how many. */
const BYTES_MAX = 64 * 1024 * 1024;
const FILES_MAX = 10_000;

const DECLARATION = /\.(?:ya?ml|json)$/i;

/** The files that `-f` names: a file, the files of a folder that end in .yaml, .yml or .json, or standard input (`-`). */
export async function readSources(
  paths: readonly string[],
  world: Pick<World, 'readBytes' | 'listFolder'>,
): Promise<Source[]> {
  const files: string[] = [];
  for (const path of paths) files.push(...(path === '-' ? ['-'] : await filesOf(path, world)));
  const sources: Source[] = [];
  let room = BYTES_MAX;
  for (const file of new Set(files)) {
    const bytes = await attempt(file, () => world.readBytes(file, room));
    room -= bytes.length;
    const text = utf8(bytes);
    const name = file === '-' ? 'standard input' : file;
    if (text === undefined) throw new UsageError(`${name} is not text in UTF-8`);
    sources.push({ file: name, text });
  }
  return sources;
}

async function filesOf(path: string, world: Pick<World, 'listFolder'>): Promise<readonly string[]> {
  const all = await attempt(path, () => world.listFolder(path, FILES_MAX));
  if (all === undefined) return [path];
  const found = all.filter((file) => DECLARATION.test(file));
  if (found.length > 0) return found;
  throw new UsageError(`the folder ${JSON.stringify(path)} has no file that ends in .yaml, .yml or .json`);
}

async function attempt<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const what = path === '-' ? 'standard input' : JSON.stringify(path);
    throw new UsageError(`${what} cannot be read: ${(error as Error).message}`);
  }
}
