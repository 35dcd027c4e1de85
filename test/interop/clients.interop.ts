import assert from 'node:assert/strict';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { aimedAt, type CommandOptions, runCommands, type Server } from '../support/commands.ts';
import { blockOf } from '../support/docs.ts';
import { startCarillon, type TemporaryFolder, temporaryFolder } from '../support/server.ts';
import { output, ROOT } from './tool.ts';

const PAGE = 'docs/clients.md';

/** The languages of the page, by the names of their folders in `examples/clients` and of their commands. */
const LANGUAGES = {
  go: 'Go',
  python: 'Python',
  java: 'Java',
  rust: 'Rust',
  ruby: 'Ruby',
  node: 'Node',
};

/** The first build of a client in Rust compiles a hundred crates. */
const TIMEOUT_MS = 900_000;

describe('the page about clients', { timeout: 3_600_000 }, () => {
  let packed: TemporaryFolder;
  before(async () => {
    packed = await temporaryFolder();
    await output('npm', ['pack', '--pack-destination', packed.path], { cwd: ROOT });
  });
  after(() => packed[Symbol.asyncDispose]());

  for (const [folder, language] of Object.entries(LANGUAGES)) {
    it(`has a client in ${language} that works as it says`, async () => {
      assertSaid(await client(folder, folder));
    });
  }

  it('has a command that makes the client in Python with protoc alone', async () => {
    assertSaid(await client('python', 'python-protoc'));
  });

  /** What a client prints that is made by commands of the page, in an empty folder, and run. */
  async function client(folder: string, commands: string): Promise<string[]> {
    await using carillon = await startCarillon({ command: 'dev' });
    await using temporary = await temporaryFolder();
    const cwd = temporary.path;
    await cp(packed.path, cwd, { recursive: true });
    await cp(join(ROOT, 'examples/clients', folder), cwd, { recursive: true });
    await aimFiles(cwd, carillon);
    const options: CommandOptions = {
      cwd,
      tools: [join(ROOT, '.interop/python/bin')],
      // Compiled crates stay, and say nothing to a debugger.
      env: { CARGO_TARGET_DIR: join(ROOT, '.interop/rust'), CARGO_PROFILE_DEV_DEBUG: '0' },
      timeoutMs: TIMEOUT_MS,
    };
    await runCommands(PAGE, 'unpack', carillon, options);
    const printed = await runCommands(PAGE, commands, carillon, options);
    // Maven colours even what it does not say.
    return stripVTControlCharacters(printed).trimEnd().split('\n');
  }
});

async function aimFiles(folder: string, server: Server): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name.endsWith('.tgz')) continue;
    const path = join(entry.parentPath, entry.name);
    await writeFile(path, aimedAt(server, await readFile(path, 'utf8')));
  }
}

/** Tools may print before; each language writes codes in its own way. */
function assertSaid(lines: readonly string[]): void {
  const said = blockOf(PAGE, 'output', 'client').trimEnd().split('\n');
  const plain = lines.slice(-said.length).map((line) => line.replace('NotFound', 'NOT_FOUND'));
  assert.equal(plain.length, said.length);
  for (const [i, line] of said.entries()) {
    const [begins = '', ends = ''] = line.split('…');
    assert.ok(plain[i]!.startsWith(begins) && plain[i]!.endsWith(ends), `${plain[i]}, not ${line}`);
    if (!line.includes('…')) assert.equal(plain[i], line);
  }
}
