/**
 * `npm run sbom`: prints what the package is made of (CycloneDX), by the lock file and without what only development needs.
 *
 * `npm sbom --omit dev` leaves out what is a development dependency of any package there is, also where we need it. So it
 * is given a lock file in which there is nothing else.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Locked {
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly devDependencies?: object;
}

const ROOT = join(import.meta.dirname, '..');
const FLAGS = ['--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'];

const { name, version, license, dependencies } = read('package.json') as Record<string, unknown>;
const lock = read('package-lock.json') as { packages: Record<string, Locked> };
const packages = Object.entries(lock.packages).flatMap(([path, locked]) => {
  const { devDependencies: _, ...rest } = locked;
  return rest.dev === true || rest.devOptional === true ? [] : [[path, rest]];
});

const parent = mkdtempSync(join(tmpdir(), 'sbom-'));
try {
  // npm calls what it is about by its folder.
  const folder = join(parent, String(name));
  mkdirSync(folder);
  const write = (file: string, content: object) => writeFileSync(join(folder, file), JSON.stringify(content));
  write('package.json', { name, version, license, dependencies });
  write('package-lock.json', { ...lock, packages: Object.fromEntries(packages) });
  execFileSync('npm', ['sbom', ...FLAGS], { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
} finally {
  rmSync(parent, { recursive: true });
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, file), 'utf8'));
}
