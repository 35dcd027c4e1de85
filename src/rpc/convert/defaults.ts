import { DEFAULT_RETRY_POLICY, type RetryPolicy } from '../../domain/delivery/retry-policy.ts';
import type {
  DstGapPolicy,
  DstOverlapPolicy,
  MisfirePolicy,
  OverlapPolicy,
} from '../../domain/schedule/schedule.ts';
import type { EventFormat } from '../../domain/webhook/payload.ts';

/** What a webhook gets where its caller says nothing; the proto files tell the caller so. */
export const DEFAULTS = {
  timeoutMs: 15_000,
  textContentType: 'text/plain; charset=utf-8',
  dataContentType: 'application/octet-stream',
  eventFormat: 'ENVELOPE' satisfies EventFormat,
  concurrency: 8,
  burst: 1,
  retryPolicy: DEFAULT_RETRY_POLICY satisfies RetryPolicy,

  timeZone: 'UTC',
  jitterMs: 0,
  misfire: 'FIRE_LATEST' satisfies MisfirePolicy,
  catchupMs: 3_600_000,
  overlap: 'SUPERSEDE' satisfies OverlapPolicy,
  dstGap: 'SHIFT' satisfies DstGapPolicy,
  dstOverlap: 'FIRST' satisfies DstOverlapPolicy,

  previewCount: 5,
} as const;
