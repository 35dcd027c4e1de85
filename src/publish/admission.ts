import {
  effectiveQuotas,
  type Namespace,
  type PublishRate,
  type QuotaDefaults,
} from '../domain/access/namespace.ts';
import { takeOne } from '../domain/access/rate.ts';
import { ringFault } from '../domain/access/standing.ts';
import { boundedCache } from '../domain/bounded-cache.ts';
import type { Clock } from '../domain/clock.ts';
import { DomainError, invalid } from '../domain/error.ts';
import type { EventDraft } from '../domain/event/rules.ts';
import type { NamespaceDirectory } from '../store/namespace-directory.ts';

/** Whether namespaces take what their callers publish: they are there and not suspended, and within their quotas. */
export interface Admission {
  /**
   * Why each event is refused, in order; undefined for one that is taken, which counts against the publish rate of its
   * namespace then. Raises UNAVAILABLE and EXHAUSTED.
   */
  judge(batch: readonly EventDraft[]): Promise<(DomainError | undefined)[]>;
}

export interface AdmissionDeps {
  readonly namespaces: NamespaceDirectory;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly quotas: QuotaDefaults;
}

/** Namespaces with a publish rate that are remembered; one that is forgotten has all of its burst again. */
const PAID_MAX = 100_000;

export function createAdmission({ namespaces, clock, quotas: defaults }: AdmissionDeps): Admission {
  /** Until when what each has published is paid off, by the monotonic clock. */
  const paid = boundedCache<string, number>(PAID_MAX);

  function judgeOne(draft: EventDraft, namespace: Namespace | undefined): DomainError | undefined {
    const name = draft.namespace;
    const fault = ringFault(name, namespace);
    if (fault !== undefined || namespace === undefined) return fault;
    const { payloadBytesMax, publishRate } = effectiveQuotas(namespace.quotas, defaults);
    const bytes = draft.data.body.length;
    if (bytes > payloadBytesMax) {
      return invalid(
        `event.${draft.data.kind}`,
        `has ${bytes} bytes; at most ${payloadBytesMax} are allowed in the namespace ${name}`,
      );
    }
    return publishRate && take(name, publishRate);
  }

  function take(name: string, rate: PublishRate): DomainError | undefined {
    const taken = takeOne(rate, paid.get(name) ?? 0, clock.monotonic());
    if ('paidAt' in taken) {
      paid.set(name, taken.paidAt);
      return undefined;
    }
    const { perSecond, burst } = rate;
    return new DomainError(
      'PUBLISH_RATE_EXCEEDED',
      `the namespace ${name} may publish ${perSecond} events a second, and ${burst} at once; publish again later`,
      { metadata: { perSecond, burst }, retryMs: Math.ceil(taken.waitMs) },
    );
  }

  return {
    async judge(batch) {
      const names = [...new Set(batch.map(({ namespace }) => namespace))];
      const found = new Map(names.map((name) => [name, namespaces.peek(name)]));
      const missing = names.filter((name) => found.get(name) === undefined);
      const loaded = missing.length === 0 ? [] : await namespaces.load(missing);
      for (const [i, name] of missing.entries()) found.set(name, loaded[i]);
      return batch.map((draft) => judgeOne(draft, found.get(draft.namespace)));
    },
  };
}
