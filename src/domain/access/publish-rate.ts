import type { PublishRate } from './namespace.ts';

/** What a namespace has saved up of its publish rate, as of a time of the monotonic clock. */
export interface RateBucket {
  readonly tokens: number;
  readonly at: number;
}

/** Nothing was published yet, or not lately. */
export function fullBucket({ burst }: PublishRate, now: number): RateBucket {
  return { tokens: burst, at: now };
}

export type Taken =
  | { readonly allowed: true; readonly bucket: RateBucket }
  /** When one more may be published. */
  | { readonly allowed: false; readonly bucket: RateBucket; readonly retryMs: number };

/** Takes a token for one event, if there is one. */
export function takeToken(bucket: RateBucket, { perSecond, burst }: PublishRate, now: number): Taken {
  const tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) * perSecond) / 1000);
  if (tokens >= 1) return { allowed: true, bucket: { tokens: tokens - 1, at: now } };
  // Rounded up, because a millisecond early the token would not be there yet.
  return {
    allowed: false,
    bucket: { tokens, at: now },
    retryMs: Math.ceil(((1 - tokens) * 1000) / perSecond),
  };
}
