import type { RequestBounds } from '../../../domain/claim.ts';
import type { ClaimCode } from '../../calls/shapes.ts';
import type { ClaimRow } from '../../rows/messages.ts';
import type { Database } from '../database.ts';
import type { Verbs } from '../protocol.ts';

/** Forgets calls whose time is over. Returns how many, at most `limit`. */
export type ForgetRequests = (now: number, limit: number) => Promise<number>;

export function requestVerbs(
  db: Database,
  bounds: RequestBounds,
): Pick<Verbs, 'claimRequests' | 'answerRequests' | 'releaseRequests'> {
  const select = db.prepare<
    [digest: string, at: number, until: number, answer: Uint8Array | null, bytes: number]
  >(`
    SELECT digest, claimed_at, known_until, answer, coalesce(length(answer), 0) FROM @requests
    WHERE namespace = ? AND id = ?`);
  const insert = db.prepare(`
    INSERT INTO @requests (namespace, id, digest, claimed_at, known_until) VALUES (?, ?, ?, ?, ?)`);
  const answer = db.prepare(
    'UPDATE @requests SET answer = ?3 WHERE namespace = ?1 AND id = ?2 AND answer IS NULL',
  );
  const release = db.prepare('DELETE FROM @requests WHERE namespace = ? AND id = ? AND answer IS NULL');
  const remove = db.prepare('DELETE FROM @requests WHERE namespace = ? AND id = ?');
  const totals = createTotals(db);

  async function claimOne([namespace, id, digests, now, until]: ClaimRow): Promise<ClaimCode> {
    const found = await select.get(namespace, id);
    if (found !== undefined) {
      const [knownDigest, at, knownUntil, given, bytes] = found;
      if (knownUntil > now) {
        if (!digests.includes(knownDigest)) return 'OTHER';
        return given === null ? ['BEGUN', at, knownDigest] : ['ANSWERED', given, knownDigest];
      }
      // Its time is over, and it was not swept yet.
      await remove.run(namespace, id);
      await totals.add(namespace, -1, -bytes);
    }
    const { count, bytes } = await totals.of(namespace);
    if (count >= bounds.requestsMax || bytes >= bounds.requestBytesMax) return 'FULL';
    const digest = digests[0]!;
    await insert.run(namespace, id, digest, now, until);
    await totals.add(namespace, 1, 0);
    return ['CLAIMED', now, digest];
  }

  return {
    async claimRequests(rows) {
      const results: ClaimCode[] = [];
      for (const row of rows) results.push(await claimOne(row));
      return results;
    },
    async answerRequests(rows) {
      let answered = 0;
      for (const [namespace, id, given] of rows) {
        if ((await answer.run(namespace, id, given)) === 0) continue;
        await totals.add(namespace, 0, given.length);
        answered++;
      }
      return answered;
    },
    async releaseRequests(rows) {
      let released = 0;
      for (const [namespace, id] of rows) {
        if ((await release.run(namespace, id)) === 0) continue;
        await totals.add(namespace, -1, 0);
        released++;
      }
      return released;
    },
  };
}

export function requestSweep(db: Database): ForgetRequests {
  const forget = db.prepare<[namespace: string, count: number, bytes: number]>(`
    WITH gone AS (
      DELETE FROM @requests WHERE (namespace, id) IN (
        SELECT namespace, id FROM @requests WHERE known_until <= ? ORDER BY known_until LIMIT ?)
      RETURNING namespace, answer)
    SELECT namespace, count(*), coalesce(sum(length(answer)), 0)::bigint FROM gone GROUP BY namespace ORDER BY namespace`);
  const totals = createTotals(db);
  return async (now, limit) => {
    if (limit <= 0) return 0;
    let forgotten = 0;
    for (const [namespace, count, bytes] of await forget.all(now, limit)) {
      await totals.add(namespace, -count, -bytes);
      forgotten += count;
    }
    return forgotten;
  };
}

function createTotals(db: Database) {
  const select = db.prepare<[count: number, bytes: number]>(
    'SELECT count, bytes FROM @request_totals WHERE namespace = ?',
  );
  const add = db.prepare(`
    INSERT INTO @request_totals AS t (namespace, count, bytes) VALUES (?, ?, ?)
    ON CONFLICT (namespace) DO UPDATE SET count = t.count + excluded.count, bytes = t.bytes + excluded.bytes`);
  return {
    async of(namespace: string) {
      const [count, bytes] = (await select.get(namespace)) ?? [0, 0];
      return { count, bytes };
    },
    add: async (namespace: string, count: number, bytes: number) =>
      void (await add.run(namespace, count, bytes)),
  };
}
