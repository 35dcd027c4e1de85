import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Read } from '../../src/control/list.ts';
import { DomainError } from '../../src/domain/error.ts';
import { newId } from '../../src/domain/id.ts';
import { systemRandom } from '../../src/domain/random.ts';
import { LOOKED_MAX, type PageQuery, readPage } from '../../src/rpc/page.ts';
import { T0 } from '../support/store.ts';

const random = systemRandom();
const IDS = Array.from({ length: 25_000 }, (_, n) => newId('delivery', T0 + n, random)).sort();

/** Reads of these ids those that are wanted, looking at no more than 250 at a time. */
function listOf(isWanted: (index: number) => boolean, calls: (string | undefined)[] = []): Read<string> {
  return async (from, limit) => {
    calls.push(from);
    const first = from === undefined ? 0 : IDS.indexOf(from) + 1;
    const rows: string[] = [];
    let looked = 0;
    for (let at = first; at < IDS.length; at++) {
      looked++;
      if (isWanted(at)) rows.push(IDS[at]!);
      if (rows.length === limit || looked === 250) return { rows, next: IDS[at]!, looked };
    }
    return { rows, next: null, looked };
  };
}

function page(read: Read<string>, pageToken = '', more: Partial<PageQuery<string>> = {}) {
  const { signal } = new AbortController();
  const about = { query: ['a list'], pageSize: 10, placeOf: (id: string) => id, bytesOf: () => 1 };
  return readPage({ ...about, read, pageToken, signal, ...more });
}

describe('A page', () => {
  it('looks at a bounded number of rows, and is short or empty where few of them are wanted', async () => {
    const wanted = new Set([3, 24_999]);
    const sizes: number[] = [];
    const found: string[] = [];
    let token = '';
    do {
      const calls: (string | undefined)[] = [];
      const { rows, nextPageToken } = await page(
        listOf((at) => wanted.has(at), calls),
        token,
      );
      assert.ok(calls.length <= LOOKED_MAX / 250 + 1, `${calls.length} parts`);
      sizes.push(rows.length);
      found.push(...rows);
      token = nextPageToken;
    } while (token !== '');
    assert.deepEqual(sizes, [1, 0, 1]);
    assert.deepEqual(found, [IDS[3], IDS[24_999]]);
  });

  it('stops between two parts of the list when its caller is gone', async () => {
    const caller = new AbortController();
    const calls: (string | undefined)[] = [];
    const read = listOf(() => false, calls);
    const leaving: Read<string> = (from, limit) => {
      if (calls.length === 2) caller.abort();
      return read(from, limit);
    };
    await assert.rejects(page(leaving, '', { signal: caller.signal }), { name: 'AbortError' });
    assert.equal(calls.length, 3);
  });

  it('has a token of its query, which no other query takes', async () => {
    const { nextPageToken } = await page(listOf(() => true));
    assert.ok(nextPageToken.length <= 4096);
    assert.deepEqual(
      (
        await page(
          listOf(() => true),
          nextPageToken,
        )
      ).rows,
      IDS.slice(10, 20),
    );
    await assert.rejects(
      page(
        listOf(() => true),
        nextPageToken,
        { query: ['another list'] },
      ),
      (error) => error instanceof DomainError && error.violations[0]?.field === 'page_token',
    );
  });
});
