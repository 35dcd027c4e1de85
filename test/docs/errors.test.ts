import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { API_REASONS } from '../../src/domain/reason.ts';
import type { ReasonEntry } from '../../src/domain/reason-entry.ts';
import { SERVER_REASONS } from '../../src/domain/server-reasons.ts';
import { blockOf, rowsOf } from '../support/docs.ts';

/** Names of google.rpc.Code that are not those of the domain. */
const CODES: Readonly<Record<string, string>> = {
  INVALID: 'INVALID_ARGUMENT',
  EXHAUSTED: 'RESOURCE_EXHAUSTED',
};

const API = Object.entries<ReasonEntry>(API_REASONS);
const SERVER = Object.entries<ReasonEntry>(SERVER_REASONS);

describe('docs/errors.md', () => {
  it('lists every reason that a caller can be given, and no other', () => {
    const rows = API.map(([reason, { code, when, todo, metadata = [] }]) => [
      reason,
      CODES[code] ?? code,
      when,
      todo,
      metadata.join(', '),
    ]);
    assert.deepEqual(plain(rowsOf(blockOf('docs/errors.md', 'reasons', 'api'))), plain(rows));
  });

  it('lists every reason why a server does not start, and no other', () => {
    const rows = SERVER.map(([reason, { when, todo }]) => [reason, when, todo]);
    assert.deepEqual(plain(rowsOf(blockOf('docs/errors.md', 'reasons', 'server'))), plain(rows));
  });
});

describe('A reason', () => {
  it('is written as google.rpc.ErrorInfo wants it, and so are the names of its metadata', () => {
    for (const [reason, { metadata = [] }] of [...API, ...SERVER]) {
      assert.match(reason, /^[A-Z][A-Z0-9_]{1,61}[A-Z0-9]$/);
      for (const name of metadata) assert.match(name, /^[a-z][a-zA-Z0-9]{1,63}$/);
    }
  });
});

function plain(rows: readonly (readonly string[])[]): string[][] {
  return rows.map((row) => row.map((cell) => cell.replaceAll('`', '')));
}
