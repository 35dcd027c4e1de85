import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';

const HOSTILE = join(import.meta.dirname, '../../bench/hostile');
const run = promisify(execFile);

/** The rows of the table that a command prints; rejects when it ends with another exit code than 0. */
async function rows(command: string, ...names: string[]): Promise<string[]> {
  const { stdout } = await run(process.execPath, [join(HOSTILE, command, 'main.ts'), ...names]);
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2);
}

describe('a server under attack', () => {
  it('serves others on both ports while callers reset, and have it reset, calls without end', async () => {
    const made = await rows('callers', 'rapid-reset', 'made-you-reset');
    assert.equal(made.length, 5);
    for (const row of made.slice(1)) assert.match(row, /connections? (?:ended|closed)/);
  });

  it('is not held up by receivers that hang, or stall in the handshake of TLS', async () => {
    const [hang, stall] = await rows('receivers', 'hang', 'tls-stall');
    assert.match(hang ?? '', /TIMEOUT: no answer from/);
    assert.match(stall ?? '', /TIMEOUT: connected to .*, but its TLS handshake did not end/);
  });
});
