import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { nodeRefusal } from '../../src/cli/node-version.ts';

for (const version of ['18.20.4', '20.19.2', '23.11.1', '24.0.0', '24.14.9']) {
  test(`Node ${version} is refused with one line that names both versions`, () => {
    assert.equal(
      nodeRefusal(version),
      `carillon needs Node 24.15 or later; this is Node ${version}, see https://nodejs.org`,
    );
  });
}

for (const version of ['24.15.0', '24.16.2', '25.0.0', '26.10.0', '100.0.0', '27.0.0-nightly20261103']) {
  test(`Node ${version} is welcome`, () => assert.equal(nodeRefusal(version), undefined));
}

test('the oldest Node that is welcome is the one that package.json asks for', () => {
  const file = new URL('../../package.json', import.meta.url);
  const { engines } = JSON.parse(readFileSync(file, 'utf8')) as { engines: { node: string } };
  const [, major, minor] = /^>=(\d+)\.(\d+)\.0$/.exec(engines.node) ?? [];
  assert.equal(nodeRefusal(`${major}.${minor}.0`), undefined);
  assert.notEqual(nodeRefusal(`${major}.${Number(minor) - 1}.0`), undefined);
});
