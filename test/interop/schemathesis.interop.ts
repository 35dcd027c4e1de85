import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startCarillon } from '../support/server.ts';
import { run, TOOLS } from './tool.ts';

const CONFIG = join(import.meta.dirname, 'schemathesis/schemathesis.toml');
/** For the whole run: what was not tried by then is not tried. */
const MAX_SECONDS = 120;

describe('schemathesis', () => {
  it('finds nothing in REST that /openapi.json does not say', async () => {
    await using carillon = await startCarillon({ command: 'serve', args: ['--db', ':memory:'] });
    const document = `${carillon.url}/openapi.json`;
    const args = ['--config-file', CONFIG, 'run', document, '--max-time', String(MAX_SECONDS), '--no-color'];
    const { code, stdout, stderr } = await run(TOOLS.schemathesis, args, { cwd: carillon.folder });
    assert.equal(code, 0, `${stdout}${stderr}`);
    assert.match(stdout, /Coverage/);
    const errors = carillon.output.log.filter(({ level }) => level === 'error');
    assert.deepEqual(errors, []);
  });
});
