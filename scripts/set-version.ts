// Writes the version of package.json wherever else it stands, and gives what is "Unreleased" in the changelog
// its name and date. `npm version` runs this before it commits.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VERSION } from '../src/server/version.ts';

const ROOT = join(import.meta.dirname, '..');
const HEADING = '## Unreleased\n';

const changelog = read('CHANGELOG.md');
const [before, after] = changelog.split(HEADING);
if (before === undefined || after === undefined || /^\s*(?:## |$)/.test(after)) {
  console.error(`CHANGELOG.md has nothing under "${HEADING.trim()}"; write what users will notice`);
  process.exit(1);
}

const { version } = JSON.parse(read('package.json')) as { version: string };
// As the program, the banner and the package name it; the bare number could be that of a specification.
const spellings = [
  (number: string) => `'${number}'`,
  (number: string) => `Carillon ${number}`,
  (number: string) => `carillon:${number}`,
  (number: string) => `version: ${number}`,
  (number: string) => `appVersion: ${number}`,
  packageOf,
];
const places = [
  'src/server/version.ts',
  'README.md',
  'docs/events.md',
  'docs/deploying.md',
  'deploy/Dockerfile',
  'deploy/compose.yaml',
  'deploy/helm/carillon/Chart.yaml',
];
for (const path of places) {
  write(
    path,
    spellings.reduce((text, spell) => text.replaceAll(spell(VERSION), spell(version)), read(path)),
  );
}

const today = new Date().toISOString().slice(0, 10);
write('CHANGELOG.md', `${before}${HEADING}\n## ${version} - ${today}\n${after}`);

function packageOf(number: string): string {
  return `carillon-${number}.tgz`;
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function write(path: string, text: string): void {
  writeFileSync(join(ROOT, path), text);
}
