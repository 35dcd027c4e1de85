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

for (const document of ['README.md', 'docs/events.md']) {
  test(`the package in ${document} has the version of the code`, () => {
    const packed = readDocument(document).matchAll(/carillon-(\d[\w.-]*)\.tgz/g);
    const versions = new Set([...packed].map(([, version]) => version));
    assert.deepEqual(versions, new Set([VERSION]));
  });
}
