// Refuses what would break clients that were generated from the last release: `buf breaking` against the image of
// its proto files, which is committed. With --write, makes that image; `npm version` does it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** From the root of the repository, where npm runs scripts. */
const IMAGE = 'releases/api.binpb';
const BUF = join(import.meta.dirname, '../node_modules/.bin/buf');

if (process.argv.includes('--write')) {
  mkdirSync(dirname(IMAGE), { recursive: true });
  buf('build', 'proto', '--exclude-source-info', '--output', IMAGE);
} else if (existsSync(IMAGE)) {
  buf('breaking', 'proto', '--exclude-imports', '--against', IMAGE);
} else {
  console.log(
    `${IMAGE} does not exist: nothing was released yet, so there is nothing that the API could break`,
  );
}

function buf(...args: string[]): void {
  const { status, error } = spawnSync(BUF, args, { stdio: 'inherit' });
  if (error !== undefined) throw error;
  process.exitCode = status ?? 1;
}
