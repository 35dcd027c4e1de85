/** Files for the command line, in memory. */
import type { World } from '../../src/cli/world.ts';

export interface Folder extends Pick<World, 'readBytes' | 'listFolder' | 'writeFile'> {
  readonly files: Map<string, string>;
}

/** Files by their paths; `-` is standard input. A path that others lie in is a folder. */
export function folderOf(given: Readonly<Record<string, string>>): Folder {
  const files = new Map(Object.entries(given));
  return {
    files,
    async readBytes(path) {
      const text = files.get(path);
      if (text === undefined) throw new Error('there is no such file');
      return Buffer.from(text);
    },
    async listFolder(path) {
      const within = [...files.keys()].filter((file) => file.startsWith(`${path.replace(/\/$/, '')}/`));
      return within.length === 0 ? undefined : within.toSorted();
    },
    async writeFile(path, text) {
      files.set(path, text);
    },
  };
}
