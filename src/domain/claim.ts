import { hash } from 'node:crypto';
import { composedId, type IdKind } from './id.ts';

/** A call that its caller gave a name, so as to make it again without its being done twice (AIP-155). */
export interface Claim {
  readonly namespace: string;
  readonly requestId: string;
  /** When it was made first: what is made for it is made at this time, however often it is begun. */
  readonly at: number;
  /** It was begun before and did not come to an answer: what it was to do may have been done. */
  readonly resumed: boolean;
  /** Which of the things that the call does, each of which is made by itself. */
  readonly place?: number;
}

/** How long a call is remembered, with its answer. The proto files say so too. */
export const REMEMBERED_MS = 24 * 60 * 60 * 1000;

/** How much is remembered of one namespace. Beyond that, calls with a name are refused until some of it is forgotten. */
export interface RequestBounds {
  readonly requestsMax: number;
  /** Of answers. The last one can go beyond it. */
  readonly requestBytesMax: number;
}

/** What applies where nothing else is configured. */
export const REQUEST_BOUNDS: RequestBounds = { requestsMax: 100_000, requestBytesMax: 64 * 1024 * 1024 };

/**
 * The id of something that is made for a claim; `of` says which. It is the same however often the call is
 * begun, so that what was made before is found, and is not made once more.
 */
export function claimedId(kind: IdKind, { namespace, requestId, at, place }: Claim, ...of: string[]): string {
  // A number is no text, so that a place is not mistaken for what it is made of, nor for another call's name.
  const identity = JSON.stringify([
    kind,
    namespace,
    requestId,
    at,
    ...(place === undefined ? [] : [place]),
    ...of,
  ]);
  return composedId(kind, at, hash('sha256', identity, 'buffer'));
}

/** The claim of one of the things that a call does, each by its place in it. */
export function claimAt(place: number, claim: Claim): Claim {
  return { ...claim, place };
}
