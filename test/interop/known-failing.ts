import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The cases of a foreign suite that are known to fail: lines of `suites/{name}.txt`, under comments that say why.
 */
export async function readKnownFailing(name: string): Promise<readonly string[]> {
  const text = await readFile(join(import.meta.dirname, 'suites', `${name}.txt`), 'utf8');
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/** Asserts that what fails, by its name, is exactly what is known to. */
export function assertOnlyKnown(failed: ReadonlyMap<string, string>, known: readonly string[]): void {
  const unknown = [...failed].filter(([name]) => !known.includes(name));
  assert.deepEqual(
    unknown.map(([name, why]) => `${name}: ${why}`),
    [],
    'cases fail that are not known to',
  );
  assert.deepEqual(
    known.filter((name) => !failed.has(name)),
    [],
    'cases are listed that do not fail any more',
  );
}
