// Makes `dist/`, which is what the package runs: the sources without their types, what they read beside
// themselves, and declarations of what the package exports (`src/library`). It mirrors the repository
// (`dist/src`, `dist/gen`), so that no import changes.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const SRC = join(ROOT, 'src');
const DIST = join(ROOT, 'dist');

rmSync(DIST, { recursive: true, force: true });

// TypeScript 7 is a program, and has no API.
const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
for (const project of ['tsconfig.build.json', 'tsconfig.types.json']) {
  const { status } = spawnSync(process.execPath, [tsc, '-p', join(ROOT, project)], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

cpSync(SRC, join(DIST, 'src'), {
  recursive: true,
  filter: (path) => statSync(path).isDirectory() || !path.endsWith('.ts'),
});

// The description of the API, which is served as it is.
cpSync(join(ROOT, 'gen/openapi.json'), join(DIST, 'gen/openapi.json'));

// What the package's command is a link to.
chmodSync(join(DIST, 'src/main.js'), 0o755);
