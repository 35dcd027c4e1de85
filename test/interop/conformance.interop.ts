import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type TemporaryFolder, temporaryFolder } from '../support/server.ts';
import { suitesWithHeader } from './conformance/with-header.ts';
import { overTls } from './conformance/with-tls.ts';
import { output, run, TOOLS } from './tool.ts';

const HERE = join(import.meta.dirname, 'conformance');
const SERVER = join(HERE, 'server.ts');
const PRELOAD = join(HERE, 'without-reasons.ts');
/** The Go module of the suite, whose proto files the server needs. Its version is that of go.mod. */
const MODULE = 'connectrpc.com/conformance';
/** Any that is long enough. */
const KEY = `ck_${'0123456789abcdef'.repeat(4)}`;

/** Of a port, the file of the cases that are known to fail. */
function knownOf(port: string): string {
  return join(HERE, `${port}-known-failing.txt`);
}

describe('The Connect conformance suite', () => {
  let folder: TemporaryFolder;
  let module: string;
  let image: string;
  before(async () => {
    folder = await temporaryFolder();
    image = join(folder.path, 'conformance.binpb');
    module = (await output(TOOLS.go, ['list', '-m', '-f', '{{.Dir}}', MODULE], { cwd: HERE })).trim();
    await output(TOOLS.buf, ['build', join(module, 'proto'), '--output', image]);
  });
  after(() => folder[Symbol.asyncDispose]());

  for (const [port, what, casesMin, overTlsMin] of [
    ['shared', 'the port for everything but what is listed', 2700, 2500],
    ['native', 'the native port', 460, 280],
  ] as const) {
    it(`has nothing against ${what}`, async () => {
      const config = join(HERE, `${port}.yaml`);
      const cases = await passing(port, ['--conf', config, '--known-failing', `@${knownOf(port)}`]);
      assert.ok(cases >= casesMin, `it ran ${cases} cases`);
    });

    it(`has nothing against ${what} with keys and TLS on`, async () => {
      const own = join(folder.path, port);
      const header = { name: 'authorization', value: `Bearer ${KEY}` };
      const suites = await suitesWithHeader(module, own, header);
      const { config, known } = await overTls(join(HERE, `${port}.yaml`), knownOf(port), own);
      const files = suites.flatMap((path) => ['--test-file', path]);
      const cases = await passing(port, ['--conf', config, '--known-failing', `@${known}`, ...files], KEY);
      assert.ok(cases >= overTlsMin, `it ran ${cases} cases`);
    });
  }

  it('is refused where keys are on and it has none', async () => {
    const flags = ['--mode', 'server', '--conf', join(HERE, 'native.yaml'), '--run', 'Basic/**'];
    const { code, stdout, stderr } = await run(TOOLS.conformance, [...flags, '--', ...server('native', KEY)]);
    assert.notEqual(code, 0);
    assert.match(stdout + stderr, /unauthenticated/i);
  });

  const server = (port: string, ...key: string[]) => [
    process.execPath,
    '--import',
    PRELOAD,
    SERVER,
    port,
    image,
    ...key,
  ];

  /** Runs the suite, in which nothing may fail that is not known to. Returns how many cases there were. */
  async function passing(port: string, more: readonly string[], ...key: string[]): Promise<number> {
    // One at a time: on a busy machine, several would not start in the time that the suite gives them.
    const flags = ['--mode', 'server', '--max-servers', '1', ...more];
    const { code, stdout, stderr } = await run(TOOLS.conformance, [...flags, '--', ...server(port, ...key)]);
    assert.equal(code, 0, `${stdout}${stderr}`);
    // What the server would log as an error of its own: a cancellation is none.
    assert.doesNotMatch(stdout + stderr, /foresaw|could not be/);
    return Number(/^Total cases: ([0-9]+)$/m.exec(stdout)?.[1]);
  }
});
