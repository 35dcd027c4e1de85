// Makes `dist/`, which is what the package runs: the sources without their types, and what they read
// beside themselves. It mirrors the repository (`dist/src`, `dist/gen`), so that no import changes.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const SRC = join(ROOT, 'src');
const DIST = join(ROOT, 'dist');

rmSync(DIST, { recursive: true, force: true });

// TypeScript 7 is a program, and has no API.
const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.build.json')], {
  stdio: 'inherit',
});
if (status !== 0) process.exit(1);

cpSync(SRC, join(DIST, 'src'), {
  recursive: true,
  filter: (path) => statSync(path).isDirectory() || !path.endsWith('.ts'),
});

// The description of the API, which is served as it is.
cpSync(join(ROOT, 'gen/openapi.json'), join(DIST, 'gen/openapi.json'));

// What the package's command is a link to.
chmodSync(join(DIST, 'src/main.js'), 0o755);
