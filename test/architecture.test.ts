import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { describe, it } from 'node:test';

/** House rules that a reader could break without noticing. Sources are read as text. */

const ROOT = join(import.meta.dirname, '..');
const SRC = join(ROOT, 'src');
const LINES_MAX = 400;

/** Who may import whom; no arrow, no import. A room may always import from itself. */
const ARROWS: Record<string, readonly string[]> = {
  domain: [],
  telemetry: [],
  store: ['domain'],
  'store/rows': ['domain', 'store'],
  'store/calls': ['domain', 'store', 'store/rows'],
  'store/sqlite': ['domain', 'store', 'store/rows', 'store/calls'],
  'store/postgres': ['domain', 'store', 'store/rows', 'store/calls'],
  outbound: ['domain', 'telemetry'],
  publish: ['domain', 'store'],
  schedule: ['domain', 'store', 'publish', 'telemetry'],
  dispatch: ['domain', 'store', 'outbound', 'telemetry'],
  cluster: ['domain', 'store', 'telemetry'],
  inbox: ['domain', 'telemetry'],
  control: ['domain', 'store', 'publish', 'telemetry'],
  rpc: ['domain', 'control', 'publish', 'telemetry', 'gen'],
  server: [
    'domain',
    'telemetry',
    'store',
    'store/sqlite',
    'store/postgres',
    'outbound',
    'publish',
    'schedule',
    'dispatch',
    'cluster',
    'inbox',
    'control',
    'rpc',
    'gen',
  ],
  cli: ['server', 'domain', 'telemetry', 'gen'],
  library: ['domain', 'gen'],
  main: ['cli'],
};
/**
 * The same for the folders inside a room. `root` is what lies in the room itself, and `top` those of its
 * files that put the others together.
 */
const INNER_ARROWS: Record<string, Record<string, readonly string[]>> = {
  domain: {
    root: [],
    event: ['root'],
    schedule: ['root'],
    delivery: ['root', 'event'],
    cluster: ['root'],
    webhook: ['root', 'event', 'schedule', 'delivery'],
    access: ['root', 'event', 'delivery', 'webhook'],
    filter: ['root', 'event', 'schedule'],
    template: ['root', 'event', 'webhook'],
    listing: ['root', 'event', 'delivery', 'webhook', 'access'],
  },
  rpc: {
    root: [],
    convert: ['root'],
    transport: ['root'],
    rest: ['root', 'transport'],
    native: ['root', 'transport'],
    grpc: ['root'],
    webhook: ['root', 'convert', 'transport'],
    event: ['root', 'convert', 'transport', 'webhook'],
    delivery: ['root', 'convert', 'transport', 'webhook'],
    admin: ['root', 'convert', 'transport'],
    top: ['root', 'transport', 'rest', 'grpc', 'webhook', 'event', 'delivery', 'admin'],
  },
};
const TOP: ReadonlySet<string> = new Set(['rpc/api.ts', 'rpc/services.ts']);

/** Files that may cross: the one that turns a URL into an adapter. */
const CROSSINGS: Record<string, readonly string[]> = { 'store/open.ts': ['store/sqlite', 'store/postgres'] };

/** Where alone something may be used. */
const ONLY_IN: readonly { what: string; pattern: RegExp; where: RegExp }[] = [
  {
    what: 'the clock',
    pattern: /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bprocess\.hrtime\b/,
    where: /^domain\/clock\.ts$/,
  },
  {
    what: 'randomness',
    pattern: /\bMath\.random\b|\brandomBytes\b|\brandomFill|\brandomUUID\b|\brandomInt\b|\bgetRandomValues\b/,
    where: /^domain\/random\.ts$/,
  },
  {
    what: 'node:sqlite',
    pattern: /from 'node:sqlite'|import\('node:sqlite'\)/,
    where: /^store\/sqlite\/driver\.ts$/,
  },
  { what: 'node-postgres', pattern: /from 'pg'/, where: /^store\/postgres\/connection\/driver\.ts$/ },
  {
    what: "the protocol's own errors",
    pattern: /new ConnectError\(/,
    where: /^(rpc\/errors\.ts|rpc\/error-info\.ts|rpc\/native\/status\.ts|cli\/.*)$/,
  },
  { what: 'undici', pattern: /from 'undici'/, where: /^outbound\// },
  { what: 'generated code', pattern: /from '[./]+\/gen\//, where: /^(rpc|server|cli|library)\// },
  { what: 'the process', pattern: /\bprocess\.(exit|argv|env)\b/, where: /^(cli\/|main\.ts$)/ },
];

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly code: string;
}

const files = list(SRC)
  .filter((path) => path.endsWith('.ts'))
  .map((path): SourceFile => {
    const text = readFileSync(path, 'utf8');
    return { path: relative(SRC, path).replaceAll(sep, '/'), text, code: withoutComments(text) };
  });

function list(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? list(path) : [path];
  });
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
}

function roomOf(path: string): string {
  if (path.startsWith('../gen/')) return 'gen';
  const [first = '', second] = path.split('/');
  if (second === undefined) return first.replace(/\.ts$/, '');
  const nested = `${first}/${second}`;
  return nested in ARROWS ? nested : first;
}

/** The folder of a file inside its room; undefined where `INNER_ARROWS` has no such room. */
function innerOf(path: string): string | undefined {
  const [room = '', folder = '', ...rest] = path.split('/');
  if (!(room in INNER_ARROWS)) return undefined;
  if (TOP.has(path)) return 'top';
  return rest.length === 0 ? 'root' : folder;
}

/** Files that import each other in a circle, types and dynamic imports included. */
function circles(): string[][] {
  const imports = new Map(files.map((file) => [file.path, importsOf(file)]));
  const found: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const at = path.indexOf(file);
    if (at >= 0) found.push([...path.slice(at), file]);
    if (at >= 0 || done.has(file)) return;
    path.push(file);
    for (const target of imports.get(file) ?? []) visit(target);
    path.pop();
    done.add(file);
  };
  for (const { path: file } of files) visit(file);
  return found;
}

/** The files of ours that a file imports, types and dynamic imports included. */
function importsOf({ path, code }: SourceFile): string[] {
  const specifiers = [...code.matchAll(/(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g)].map(
    (match) => match[1]!,
  );
  return specifiers.map((specifier) => {
    const target = join(dirname(join(SRC, path)), specifier);
    return relative(SRC, target).replaceAll(sep, '/');
  });
}

describe('the house', () => {
  it('has no room that the table does not know', () => {
    assert.deepEqual(
      files.map(({ path }) => roomOf(path)).filter((room) => !(room in ARROWS)),
      [],
    );
  });

  it('imports only along the arrows', () => {
    const wrong: string[] = [];
    for (const file of files) {
      const room = roomOf(file.path);
      const allowed = [room, ...(ARROWS[room] ?? []), ...(CROSSINGS[file.path] ?? [])];
      for (const target of importsOf(file)) {
        if (!allowed.includes(roomOf(target))) wrong.push(`${file.path} → ${target}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  it('imports only along the arrows within a room', () => {
    const wrong: string[] = [];
    for (const file of files) {
      const inner = innerOf(file.path);
      const [room = ''] = file.path.split('/');
      const arrows = INNER_ARROWS[room];
      if (inner === undefined || arrows === undefined) continue;
      for (const target of importsOf(file).filter((path) => path.startsWith(`${room}/`))) {
        const to = innerOf(target)!;
        if (to !== inner && !arrows[inner]?.includes(to)) wrong.push(`${file.path} → ${target}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  it('has no folder within a room that the table does not know, and knows none that is empty', () => {
    for (const [room, arrows] of Object.entries(INNER_ARROWS)) {
      const folders = files.filter(({ path }) => roomOf(path) === room).map(({ path }) => innerOf(path)!);
      assert.deepEqual([...new Set(folders)].sort(), Object.keys(arrows).sort());
    }
  });

  it('has no files that import each other in a circle, not even types', () => {
    assert.deepEqual(circles(), []);
  });

  it('finds the imports it judges', () => {
    const dispatcher = files.find(({ path }) => path === 'dispatch/dispatcher.ts');
    assert.ok(dispatcher && importsOf(dispatcher).includes('domain/delivery/lane.ts'));
    assert.ok(files.some((file) => importsOf(file).some((target) => roomOf(target) === 'gen')));
  });

  for (const { what, pattern, where } of ONLY_IN) {
    it(`uses ${what} only where it belongs`, () => {
      const users = files.filter(({ code }) => pattern.test(code)).map(({ path }) => path);
      assert.deepEqual(
        users.filter((path) => !where.test(path)),
        [],
      );
      assert.ok(users.length > 0, 'the pattern matches nothing, so it guards nothing');
    });
  }

  it('has no file too long to be read through', () => {
    const long = files.filter(({ text }) => text.split('\n').length > LINES_MAX).map(({ path }) => path);
    assert.deepEqual(long, []);
  });

  it('has something in every room', () => {
    const rooms = Object.groupBy(files, ({ path }) => roomOf(path));
    for (const room of Object.keys(ARROWS)) assert.ok(rooms[room]?.length, `${room} is empty`);
  });
});
