import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';

const ROOT = join(import.meta.dirname, '../..');

interface Component {
  readonly purl: string;
  readonly hashes?: readonly unknown[];
}

it('The bill of materials has every dependency of the package in its version, and none of development', () => {
  const printed = execFileSync(process.execPath, [join(ROOT, 'scripts/sbom.ts')], { encoding: 'utf8' });
  const { bomFormat, metadata, components } = JSON.parse(printed) as {
    bomFormat: string;
    metadata: { component: Component };
    components: readonly Component[];
  };
  const { version, dependencies, devDependencies } = read('package.json') as Record<
    'dependencies' | 'devDependencies',
    Record<string, string>
  > & { version: string };
  const purlOf = ([name, at]: readonly [string, string]) => `pkg:npm/${name.replace('@', '%40')}@${at}`;
  const purls = components.map(({ purl }) => purl);
  assert.equal(bomFormat, 'CycloneDX');
  assert.equal(metadata.component.purl, `pkg:npm/carillon@${version}`);
  for (const each of Object.entries(dependencies)) assert.ok(purls.includes(purlOf(each)), each[0]);
  const { packages } = read('package-lock.json') as { packages: Record<string, { dev?: boolean }> };
  // What is for development and needed by a dependency too is not marked so.
  const others = Object.entries(devDependencies).filter(([name]) => packages[`node_modules/${name}`]?.dev);
  assert.ok(others.length > 10);
  for (const each of others) assert.ok(!purls.includes(purlOf(each)), each[0]);
  for (const { purl, hashes } of components) assert.ok(hashes?.length, `${purl} has no hash`);
});

function read(file: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, file), 'utf8'));
}
