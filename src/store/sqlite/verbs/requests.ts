import type { RequestBounds } from '../../../domain/claim.ts';
import type { ClaimCode } from '../../calls/shapes.ts';
import type { ClaimRow } from '../../rows/messages.ts';
import type { Database } from '../database.ts';
import type { Verbs } from '../protocol.ts';

/** Forgets calls whose time is over. Returns how many, at most `limit`. */
export type ForgetRequests = (now: number, limit: number) => number;

export function requestVerbs(
  db: Database,
  bounds: RequestBounds,
): Pick<Verbs, 'claimRequests' | 'answerRequests' | 'releaseRequests'> {
  const select = db.prepare<
    [digest: string, at: number, until: number, answer: Uint8Array<ArrayBuffer> | null, bytes: number]
  >(`
    SELECT digest, claimed_at, known_until, answer, coalesce(length(answer), 0) FROM requests
    WHERE namespace = ? AND id = ?`);
  const insert = db.prepare(`
    INSERT INTO requests (namespace, id, digest, claimed_at, known_until) VALUES (?, ?, ?, ?, ?)`);
  const answer = db.prepare(
    'UPDATE requests SET answer = ?3 WHERE namespace = ?1 AND id = ?2 AND answer IS NULL',
  );
  const release = db.prepare('DELETE FROM requests WHERE namespace = ? AND id = ? AND answer IS NULL');
  const remove = db.prepare('DELETE FROM requests WHERE namespace = ? AND id = ?');
  const totals = createTotals(db);

  function claimOne([namespace, id, digests, now, until]: ClaimRow): ClaimCode {
    const found = select.get(namespace, id);
    if (found !== undefined) {
      const [knownDigest, at, knownUntil, given, bytes] = found;
      if (knownUntil > now) {
        if (!digests.includes(knownDigest)) return 'OTHER';
        return given === null ? ['BEGUN', at, knownDigest] : ['ANSWERED', given, knownDigest];
      }
      // Its time is over, and it was not swept yet.
      remove.run(namespace, id);
      totals.add(namespace, -1, -bytes);
    }
    const { count, bytes } = totals.of(namespace);
    if (count >= bounds.requestsMax || bytes >= bounds.requestBytesMax) return 'FULL';
    const digest = digests[0]!;
    insert.run(namespace, id, digest, now, until);
    totals.add(namespace, 1, 0);
    return ['CLAIMED', now, digest];
  }

  return {
    claimRequests: (rows) => rows.map(claimOne),
    answerRequests(rows) {
      const answered = rows.filter(([namespace, id, given]) => answer.run(namespace, id, given).changes > 0);
      for (const [namespace, , given] of answered) totals.add(namespace, 0, given.length);
      return answered.length;
    },
    releaseRequests(rows) {
      const released = rows.filter(([namespace, id]) => release.run(namespace, id).changes > 0);
      for (const [namespace] of released) totals.add(namespace, -1, 0);
      return released.length;
    },
  };
}

export function requestSweep(db: Database): ForgetRequests {
  const select = db.prepare<[namespace: string, id: string, bytes: number]>(`
    SELECT namespace, id, coalesce(length(answer), 0) FROM requests
    WHERE known_until <= ? ORDER BY known_until LIMIT ?`);
  const remove = db.prepare('DELETE FROM requests WHERE namespace = ? AND id = ?');
  const totals = createTotals(db);
  return (now, limit) => {
    const over = select.all(now, limit);
    for (const [namespace, id, bytes] of over) {
      remove.run(namespace, id);
      totals.add(namespace, -1, -bytes);
    }
    return over.length;
  };
}

function createTotals(db: Database) {
  const select = db.prepare<[count: number, bytes: number]>(
    'SELECT count, bytes FROM request_totals WHERE namespace = ?',
  );
  const add = db.prepare(`
    INSERT INTO request_totals (namespace, count, bytes) VALUES (?, ?, ?)
    ON CONFLICT (namespace) DO UPDATE SET count = count + excluded.count, bytes = bytes + excluded.bytes`);
  return {
    of(namespace: string) {
      const [count, bytes] = select.get(namespace) ?? [0, 0];
      return { count, bytes };
    },
    add: (namespace: string, count: number, bytes: number) => void add.run(namespace, count, bytes),
  };
}
