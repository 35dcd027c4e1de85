import type { Command, Option } from '../command.ts';
import type { WebhookField } from '../webhook/field-kinds.ts';
import { WEBHOOK_FIELDS } from '../webhook/fields.ts';

/** The options that say when a webhook rings, of those that register one. */
export const SCHEDULE_FIELDS = WEBHOOK_FIELDS.filter(({ field }) => field.startsWith('webhook.schedule.'));

export const SCHEDULE_COMMANDS: readonly Command[] = [
  {
    verb: 'preview',
    argument: {
      name: 'webhook',
      about: 'The id of a registered webhook, or its name if no other has it, instead of a schedule.',
      required: false,
      field: 'id',
    },
    about:
      'Show the next runs of a schedule, what it means, and what the next changes of the clocks do to it.',
    options: [
      ...SCHEDULE_FIELDS.map(inRequest),
      {
        flag: '--count',
        value: 'number',
        about: 'How many runs to show (default 5, at most 100).',
        field: 'count',
      },
      {
        flag: '--after',
        value: 'time',
        about: 'Only runs after this time (RFC 3339), or so long from now (30d).',
        field: 'after',
      },
    ],
    examples: [
      "--cron '30 2 * * *' --time-zone Europe/Vienna",
      "--cron '0 9 * * MON-FRI' --cron '0 10 * * SAT' --except-date 2026-12-24 --count 10",
      '--every 90m',
      'nightly',
    ],
  },
];

/** As the request of a preview names the fields, which has a schedule and no webhook. */
function inRequest({ is: _, onlyAtRegistration: _only, ...option }: WebhookField): Option {
  const within = (path: string) => path.replace(/^webhook\./, '');
  return {
    ...option,
    field: within(option.field),
    ...(option.several !== undefined && { several: within(option.several) }),
  };
}
