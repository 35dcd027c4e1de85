import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { it } from 'node:test';

const MAIN = join(import.meta.dirname, '../../../src/cli/program.ts');

/** What a file imports before it runs, and what those import. */
function loadedWith(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path)) return seen;
  seen.add(path);
  if (!path.startsWith('/')) return seen;
  const text = readFileSync(path, 'utf8');
  for (const [, specifier = ''] of text.matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)';$/gms)) {
    loadedWith(specifier.startsWith('.') ? join(dirname(path), specifier) : specifier, seen);
  }
  return seen;
}

it('a server starts without loading what only clients need', () => {
  const loaded = [...loadedWith(MAIN)];
  assert.ok(loaded.some((path) => path.endsWith('src/cli/serve.ts')));
  assert.deepEqual(
    loaded.filter((path) => /^@|\/gen\/|\/cli\/client\/(?!command\.ts$)/.test(path)),
    [],
  );
});
