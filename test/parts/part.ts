import { globSync } from 'node:fs';
import { join } from 'node:path';

const TESTS = join(import.meta.dirname, '..');

/**
 * Loads the unit tests of one part, given its file. A part is a process: its tests run one after the other, and those
 * of another part beside them. The first has what needs PostgreSQL, which is started once so and is there from the
 * beginning; the others are dealt the rest, one file each in turn, so that what is slow in one folder is shared.
 */
export async function loadPart(path: string): Promise<void> {
  const [first, ...others] = globSync('parts/*.part.ts', { cwd: TESTS }).sort();
  const files = globSync('**/*.test.ts', { cwd: TESTS }).sort();
  const rest = files.filter((file) => !needsPostgres(file));
  for (const file of files) {
    const part = needsPostgres(file) ? first : others[rest.indexOf(file) % others.length];
    if (join(TESTS, part!) === path) await import(join(TESTS, file));
  }
}

function needsPostgres(file: string): boolean {
  return file.startsWith('store/postgres');
}
