import type { FieldViolation } from '../error.ts';
import type { AskedQuotas, Usage } from './namespace.ts';

/**
 * Quotas that are below what the namespace has, of those that change: a smaller bound on what waits would throw
 * deliveries away.
 */
export function quotaViolations(wanted: AskedQuotas, before: AskedQuotas, usage: Usage): FieldViolation[] {
  return BOUNDED.flatMap(({ quota, field, used, what, mend }) => {
    const bound = wanted[quota];
    if (bound === undefined || bound === before[quota] || bound >= usage[used]) return [];
    return [
      {
        field: `quotas.${field}`,
        description: `is less than the ${usage[used]} ${what}; ${mend}, or give more`,
      },
    ];
  });
}

const BOUNDED = [
  {
    quota: 'webhooksMax',
    field: 'webhooks',
    used: 'webhooks',
    what: 'webhooks that there are',
    mend: 'remove some first',
  },
  {
    quota: 'waitingMax',
    field: 'waiting',
    used: 'waiting',
    what: 'deliveries that wait',
    mend: 'cancel some first',
  },
  {
    quota: 'laneWaitingMax',
    field: 'waiting_per_webhook',
    used: 'longestLane',
    what: 'deliveries that wait for one webhook',
    mend: 'cancel some first',
  },
] as const satisfies readonly {
  readonly quota: keyof AskedQuotas;
  readonly field: string;
  readonly used: keyof Usage;
  readonly what: string;
  readonly mend: string;
}[];
