import { createHash } from 'node:crypto';
import { type BoundedCache, boundedCache } from '../../domain/bounded-cache.ts';
import type { Clock } from '../../domain/clock.ts';
import { type AccessToken, renewalMs, shownMs } from '../../domain/webhook/access-token.ts';
import type { Grant } from '../../domain/webhook/grant.ts';
import type { OAuth2 } from '../../domain/webhook/oauth2.ts';
import { SendFailure } from '../failure.ts';
import type { AskForToken } from './ask.ts';

/** A token, or why there is none. */
export type Got = string | SendFailure;

/**
 * The tokens of webhooks, in memory and nowhere else. Whoever needs one of a grant while it is being asked for waits
 * for that. Another secret, say, makes it another grant, with tokens of its own. None is shared between webhooks: one
 * whose destination refuses every token would cost others theirs.
 */
export interface Tokens {
  /** One that can be shown now. When it has not much longer to live, the next one is asked for meanwhile. */
  known(grant: Grant): string | undefined;
  /** Gets one. It never rejects. */
  get(grant: Grant): Promise<Got>;
  /** Notes how the destination answered to one: 401 says that it is not to be shown again. */
  answered(grant: Grant, token: string, status: number): void;
}

export interface TokensDeps {
  readonly ask: AskForToken;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
}

/** The most that is kept of tokens; those unused for longest are dropped. */
const TOKENS_BYTES_MAX = 16 * 1024 * 1024;
/** What one takes beside its characters. */
const ENTRY_BYTES = 300;

/** After it was tried to get the next one, the present one is shown for so long before that is tried again. */
const RENEWAL_GAP_MS = 1_000;

/**
 * Where a destination refuses this many in a row and takes none, it is not the token that is wrong: then each is
 * shown for a while, so that not every request costs one.
 */
const REFUSED_MAX = 3;
const REFUSED_SHOWN_MS = 30_000;

export function createTokens({ ask, clock }: TokensDeps): Tokens {
  const entries: BoundedCache<string, Entry> = boundedCache(
    TOKENS_BYTES_MAX,
    ({ value }) => value.length + ENTRY_BYTES,
  );
  const underWay = new Map<string, Promise<Got>>();
  /** By the credentials as they were opened, which is not done for each request. */
  const digests = new WeakMap<OAuth2, string>();

  function keyOf({ webhookId, oauth2 }: Grant): string {
    let digest = digests.get(oauth2);
    if (digest === undefined) {
      digest = createHash('sha256').update(JSON.stringify(oauth2)).digest('base64');
      digests.set(oauth2, digest);
    }
    return webhookId + digest;
  }

  /** The wall clock goes on while the machine sleeps, and the monotonic one when it is put back. */
  function ageOf({ at, steadyAt }: Entry): number {
    return Math.max(clock.now() - at, clock.monotonic() - steadyAt);
  }

  function keep(key: string, token: AccessToken, asked: Pick<Entry, 'at' | 'steadyAt'>): void {
    const before = entries.get(key);
    const isNext = before?.isRefused === true && !before.isTaken;
    entries.set(key, {
      ...token,
      ...asked,
      refusedBefore: isNext ? before.refusedBefore + 1 : 0,
      isRefused: false,
      isTaken: false,
      renewedAt: Number.NEGATIVE_INFINITY,
    });
  }

  function get(grant: Grant): Promise<Got> {
    const key = keyOf(grant);
    const waiting = underWay.get(key);
    if (waiting !== undefined) return waiting;
    const asked = { at: clock.now(), steadyAt: clock.monotonic() };
    const asking = ask(grant).then((token) => {
      underWay.delete(key);
      if (token instanceof SendFailure) return token;
      keep(key, token, asked);
      return token.value;
    });
    underWay.set(key, asking);
    return asking;
  }

  return {
    get,
    known(grant) {
      const entry = entries.get(keyOf(grant));
      if (entry === undefined || entry.isRefused) return undefined;
      const age = ageOf(entry);
      if (age >= shownMs(entry)) return undefined;
      if (age >= renewalMs(entry) && clock.monotonic() - entry.renewedAt >= RENEWAL_GAP_MS) {
        entry.renewedAt = clock.monotonic();
        // Why there is none is told when this one is of no use any more.
        void get(grant);
      }
      return entry.value;
    },
    answered(grant, token, status) {
      const entry = entries.get(keyOf(grant));
      if (entry?.value !== token) return;
      if (status !== 401) {
        entry.isTaken = true;
      } else if (entry.isTaken || entry.refusedBefore < REFUSED_MAX || ageOf(entry) >= REFUSED_SHOWN_MS) {
        entry.isRefused = true;
      }
    },
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

interface Entry extends AccessToken {
  /** When it was asked for, by both clocks. */
  readonly at: number;
  readonly steadyAt: number;
  /** How many before it were refused, one after the other, and not taken by any request. */
  readonly refusedBefore: number;
  isRefused: boolean;
  /** Whether a request with it was answered otherwise than with 401. */
  isTaken: boolean;
  /** When the next one was asked for last. */
  renewedAt: number;
}
