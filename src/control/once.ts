import { createHmac } from 'node:crypto';
import { type Claim, REMEMBERED_MS } from '../domain/claim.ts';
import { DomainError } from '../domain/error.ts';
import type { ErrorCode } from '../domain/reason-entry.ts';
import { type Sealed, seal, unseal } from '../domain/seal.ts';
import { derivedKeys } from '../domain/seal-keys.ts';
import { quote } from '../domain/text.ts';
import type { RequestName } from '../store/store.ts';
import type { Needs } from './deps.ts';

export type OnceDeps = Needs<
  'claimRequests' | 'answerRequests' | 'releaseRequests',
  'clock' | 'random' | 'sealKey'
>;

/** A call that its caller named. */
export interface Asking {
  readonly namespace: string;
  readonly requestId: string;
  readonly method: string;
  /** All that it asks for, so that the same is always the same bytes. */
  readonly content: Uint8Array;
  /** Whether it can be begun again when it is not known how far it came: it is idempotent, or heeds its claim. */
  readonly resumable: boolean;
}

export interface Answered {
  readonly answer: Uint8Array;
  /** It is what was answered before, or to another who asked at the same time. */
  readonly repeated: boolean;
}

/** Digests of a call: the first is by the newest key. */
type Digests = readonly [string, ...string[]];

/** A call under way. */
interface Running {
  readonly digest: string;
  readonly answer: Promise<Answered>;
}

/**
 * Does what a call asks for, or answers what it was answered before. The name is claimed, durably, before anything
 * is done, and the answer is remembered after that: `perform` is called again for the same claim when there was no
 * answer. Of calls with one name at the same time one is performed, and the others have its answer.
 *
 * Raises what `perform` raises: an error is not remembered. Raises ALREADY_EXISTS when the name was given to
 * something else, EXHAUSTED when too much is remembered, and FAILED_PRECONDITION when a call that cannot be resumed
 * was broken off.
 */
export function createOnce({ store, clock, random, sealKey }: OnceDeps) {
  const digestKeys = derivedKeys(sealKey, 'carillon request digest');
  const running = new Map<string, Running>();

  return async (asking: Asking, perform: (claim: Claim) => Promise<Uint8Array>): Promise<Answered> => {
    const { namespace, requestId } = asking;
    const name = JSON.stringify([namespace, requestId]);
    const digests = digestsOf(asking);
    const [digest] = digests;
    for (;;) {
      const other = running.get(name);
      if (other === undefined) break;
      if (!digests.includes(other.digest)) throw named(requestId);
      // If it fails, which may be only because its caller has left, it is the turn of this one.
      const { answer } = (await other.answer.catch(() => undefined)) ?? {};
      if (answer !== undefined) return { answer, repeated: true };
    }
    const answer = begin(asking, digests, perform).finally(() => running.delete(name));
    running.set(name, { digest, answer });
    return answer;
  };

  async function begin(
    { namespace, requestId, resumable }: Asking,
    [digest, ...formerDigests]: Digests,
    perform: (claim: Claim) => Promise<Uint8Array>,
  ): Promise<Answered> {
    const now = clock.now();
    const key = { namespace, requestId };
    const until = now + REMEMBERED_MS;
    const [found] = await store.claimRequests([{ ...key, digest, formerDigests, now, until }]);
    switch (found?.kind) {
      case 'ANSWERED':
        return { answer: unseal(sealKey, found.answer, sealedAnswer({ ...key, ...found })), repeated: true };
      case 'OTHER':
        throw named(requestId);
      case 'FULL':
        throw new DomainError(
          'TOO_MANY_REQUEST_IDS',
          'too many calls with a request_id are remembered; each is forgotten after 24 h. Try again later, or without a request_id',
        );
      case 'CLAIMED':
      case 'BEGUN': {
        const resumed = found.kind === 'BEGUN';
        if (resumed && !resumable) throw brokenOff(requestId);
        const answer = await perform({ ...key, at: found.at, resumed }).catch(async (error: unknown) => {
          // A call that was resumed may have done something the time before.
          if (!resumed && didNothing(error, resumable)) await store.releaseRequests([key]).catch(unlessLost);
          throw error;
        });
        const sealed = seal(sealKey, answer, random, sealedAnswer({ ...key, ...found }));
        // It is done. Whoever asks again resumes it, and finds that.
        await store.answerRequests([{ ...key, answer: sealed }]).catch(unlessLost);
        return { answer, repeated: false };
      }
      case undefined:
        throw new Error('the store left a claim unanswered');
      default:
        return found satisfies never;
    }
  }

  /** Keyed, since what is asked for can hold secrets that are short; by the newest key, and by those before it. */
  function digestsOf({ method, content }: Asking): Digests {
    const [newest, ...older] = digestKeys();
    const digestBy = (key: Buffer) =>
      createHmac('sha256', key).update(`${method}\n`).update(content).digest('base64url');
    return [digestBy(newest!), ...older.map(digestBy)];
  }
}

/** An answer that is remembered, for sealing: it is for this call, and for no other of the same name. */
export function sealedAnswer({
  namespace,
  requestId,
  digest,
}: RequestName & { readonly digest: string }): Sealed {
  return { noun: 'answer', belongsTo: JSON.stringify([namespace, requestId, digest]) };
}

/** After these nothing was done, or what was done is what a new call would do as well. */
const NOTHING_DONE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'INVALID',
  'OUT_OF_RANGE',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'ABORTED',
  'FAILED_PRECONDITION',
  'UNAUTHENTICATED',
  'PERMISSION_DENIED',
]);

/**
 * Whether the same name can be given to another call after this error. After any other the claim stays, so that
 * the same call goes on where this one stopped.
 */
function didNothing(error: unknown, resumable: boolean): boolean {
  if (!(error instanceof DomainError)) return false;
  // One that there was no room for has to be asked again by the same name, whether or not it can be resumed.
  return NOTHING_DONE.has(error.code) || (error.code === 'EXHAUSTED' && !resumable);
}

/** A store that is lost or full cannot help it; anything else is a mistake. */
function unlessLost(error: unknown): void {
  if (!(error instanceof DomainError)) throw error;
}

function named(requestId: string): DomainError {
  const description = `${quote(requestId)} was given to another call within 24 h, by method or content; give each call its own`;
  return new DomainError('REQUEST_ID_TAKEN', `request_id: ${description}`, {
    violations: [{ field: 'request_id', description }],
  });
}

function brokenOff(requestId: string): DomainError {
  const description = `${quote(requestId)} was given to a call that was broken off, and it is not known how much of it was done; look, and ask for the rest with another request_id`;
  return new DomainError('REQUEST_BROKEN_OFF', `request_id: ${description}`, {
    violations: [{ field: 'request_id', description }],
  });
}
