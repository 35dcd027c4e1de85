import type { Tally } from './tally.ts';

/** The port for everything, and the port of native gRPC. */
export type Kind = 'shared' | 'native';

export const KINDS: readonly Kind[] = ['shared', 'native'];

export interface Target {
  readonly kind: Kind;
  readonly port: number;
  /** When the attack ends at the latest, by the monotonic clock. */
  readonly until: number;
}

/** One thing that hostile callers do. Its name is what `npm run hostile:callers -- <name>` takes. */
export interface Attack {
  readonly name: string;
  /** What is done, in words, with its numbers. */
  readonly what: string;
  readonly kinds: readonly Kind[];
  /** How long it may take; 4 s without. */
  readonly lastsMs?: number;
  /** It waits for limits on time and does little itself: all of these are made at the same time. */
  readonly waits?: true;
  run(target: Target, tally: Tally): Promise<void>;
}

export const LASTS_MS = 4_000;
