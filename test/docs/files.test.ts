import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, it } from 'node:test';
import { blocksOf, ROOT, readDocument } from '../support/docs.ts';

const PAGES = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(ROOT, 'docs')).flatMap(pageOf),
];

const CLIENTS = 'examples/clients';

describe('the documentation', () => {
  it('shows programs as they are in the repository', () => {
    const shown = PAGES.flatMap((page) => blocksOf(page)).filter(({ kind }) => kind === 'file');
    for (const { name, text } of shown) assert.equal(text, readDocument(name), name);
    const languages = new Set(shown.map(({ name }) => name.split('/')[2]));
    assert.deepEqual(languages, new Set(['node', 'python', 'go', 'java', 'rust', 'ruby']));
  });

  it('shows all that a client is made of', () => {
    const shown = blocksOf('docs/clients.md').flatMap(({ kind, name }) => (kind === 'file' ? [name] : []));
    const there = readdirSync(join(ROOT, CLIENTS), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== 'Cargo.lock')
      .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
    assert.deepEqual(shown.sort(), there.sort());
  });

  it('links to files and headings that are there', () => {
    let links = 0;
    for (const page of PAGES) {
      for (const [, target = '', anchor] of readDocument(page).matchAll(LINK)) {
        const path = target === '' ? page : join(dirname(page), target);
        assert.ok(existsSync(join(ROOT, path)), `${page} links to ${target}`);
        if (anchor !== undefined)
          assert.ok(anchorsOf(path).has(anchor), `${page} links to ${path}#${anchor}`);
        links++;
      }
    }
    assert.ok(links > 20);
  });

  it('names sources that are there', () => {
    const sources = FOLDERS.flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map(
        (path) => `/${folder}/${path}`,
      ),
    );
    let names = 0;
    for (const page of PAGES.filter((each) => each.startsWith('docs/'))) {
      for (const [, name = ''] of readDocument(page).matchAll(SOURCE)) {
        assert.ok(
          sources.some((source) => source.endsWith(`/${name}`)),
          `${page} names ${name}`,
        );
        names++;
      }
    }
    assert.ok(names > 100);
  });
});

const FOLDERS = ['bench', 'proto', 'scripts', 'src', 'test', 'third_party'];
/** A file that is named with a folder around it, or by a part of its path. */
const SOURCE = /`([\w.-]+(?:\/[\w.-]+)*\.(?:ts|proto))`/g;

/** What is linked to here: a file, a heading of it, or a heading of the same page. */
const LINK = /\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g;

function pageOf(name: string): string[] {
  return name.endsWith('.md') ? [`docs/${name}`] : [];
}

/** As GitHub makes them of headings. */
function anchorsOf(page: string): Set<string> {
  const headings = readDocument(page).matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
