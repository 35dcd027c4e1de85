import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type TemporaryFolder, temporaryFolder } from '../support/server.ts';
import { output, run, TOOLS } from './tool.ts';

const HERE = join(import.meta.dirname, 'conformance');
const SERVER = join(HERE, 'server.ts');
const PRELOAD = join(HERE, 'without-reasons.ts');
/** The Go module of the suite, whose proto files the server needs. Its version is that of go.mod. */
const MODULE = 'connectrpc.com/conformance';

describe('The Connect conformance suite', () => {
  let folder: TemporaryFolder;
  let image: string;
  before(async () => {
    folder = await temporaryFolder();
    image = join(folder.path, 'conformance.binpb');
    const source = await output(TOOLS.go, ['list', '-m', '-f', '{{.Dir}}', MODULE], { cwd: HERE });
    await output(TOOLS.buf, ['build', join(source.trim(), 'proto'), '--output', image]);
  });
  after(() => folder[Symbol.asyncDispose]());

  for (const [port, what, casesMin, known] of [
    [
      'shared',
      'the port for everything but what is listed',
      2700,
      ['--known-failing', `@${join(HERE, 'shared-known-failing.txt')}`],
    ],
    ['native', 'the native port', 460, []],
  ] as const) {
    it(`has nothing against ${what}`, async () => {
      const flags = ['--mode', 'server', '--conf', join(HERE, `${port}.yaml`)];
      const server = [process.execPath, '--import', PRELOAD, SERVER, port, image];
      const { code, stdout, stderr } = await run(TOOLS.conformance, [...flags, ...known, '--', ...server]);
      assert.equal(code, 0, `${stdout}${stderr}`);
      const cases = Number(/^Total cases: ([0-9]+)$/m.exec(stdout)?.[1]);
      assert.ok(cases >= casesMin, `it ran ${cases} cases`);
      // What the server would log as an error of its own: a cancellation is none.
      assert.doesNotMatch(stdout + stderr, /foresaw|could not be/);
    });
  }
});
