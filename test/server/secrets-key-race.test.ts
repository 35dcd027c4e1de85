import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemRandom } from '../../src/domain/random.ts';
import { loadSecretsKey } from '../../src/server/secrets-key.ts';

test('a key file that another process makes in the same moment is the one that lasts', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-key-'));
  t.after(() => rm(folder, { recursive: true }));
  const db = join(folder, 'carillon.db');
  const theirs = new Uint8Array(32).fill(7);
  const random = systemRandom();
  const overtaken = {
    ...random,
    bytes(count: number) {
      // It is asked for once nobody has found a key, and before one is made.
      writeFileSync(`${db}.key`, Buffer.from(theirs).toString('base64'), { mode: 0o600 });
      return random.bytes(count);
    },
  };
  const source = { db, secretsKey: undefined, secretsKeyFile: undefined, random: overtaken };
  assert.deepEqual((await loadSecretsKey(source)).keys, [theirs]);
  assert.deepEqual(await readdir(folder), ['carillon.db.key']);
});
