import { type Argument, type Command, type Option, PAGE } from '../command.ts';

const DELIVERY: Argument = {
  name: 'delivery',
  about: 'Its id, which the destination saw as webhook-id.',
  required: true,
  field: 'id',
};

/** What deliveries are chosen by; each is a comparison of the filter. */
const WHICH: readonly Option[] = [
  {
    flag: '--webhook',
    value: 'webhook',
    about: 'Only those of this webhook: id, or name.',
    field: 'filter',
  },
  {
    flag: '--state',
    value: 'pending|succeeded|failed|cancelled',
    about: 'Only those in this state.',
    field: 'filter',
  },
  { flag: '--event', value: 'id', about: 'Only those of this event.', field: 'filter' },
  {
    flag: '--type',
    value: 'type',
    about: 'Only those of events of this type; order.* for all types that begin so.',
    field: 'filter',
  },
  {
    flag: '--status',
    value: 'status',
    about: 'Only those last answered with this status, or one of this class: 503, 5xx.',
    field: 'filter',
  },
  {
    flag: '--filter',
    value: 'filter',
    about: 'Only those for which this is true, as the API has it: state = FAILED AND create_time > …',
    field: 'filter',
  },
];

const SINCE: Option = {
  flag: '--since',
  value: 'time',
  about: 'Only those created at this time (RFC 3339) or later, or so long ago (2h).',
  field: 'filter',
};

const UNTIL: Option = {
  flag: '--until',
  value: 'time',
  about: 'Only those created before this time.',
  field: 'filter',
};

const DRY_RUN: Option = { flag: '--dry-run', about: 'Count them, and do nothing.', field: 'validate_only' };

export const DELIVERY_COMMANDS: readonly Command[] = [
  {
    verb: 'list',
    alias: 'ls',
    about: 'List deliveries, newest first.',
    options: [
      ...WHICH,
      SINCE,
      UNTIL,
      {
        flag: '--order-by',
        value: 'field',
        about: 'In this order: create_time is oldest first.',
        field: 'order_by',
      },
      ...PAGE,
    ],
    examples: ['--webhook joe --state failed', '--status 5xx --since 1h', '--filter "state = FAILED" --json'],
  },
  {
    verb: 'get',
    argument: DELIVERY,
    about: 'Show a delivery with its attempts.',
    options: [
      {
        flag: '--full',
        about: 'Show the body that is sent, and the headers and the answer of each attempt.',
      },
    ],
    examples: ['msg_01M85WKSFC3VGD8PTTK4CPV79D --full'],
  },
  {
    verb: 'watch',
    about: 'Show what happens to deliveries, as it happens, until stopped.',
    notes:
      'A line for each attempt, retry by hand, and cancellation; with --json, an object a line. When the server ' +
      'goes away for a while it goes on where it was.',
    options: [
      ...WHICH,
      {
        flag: '--resume',
        value: 'token',
        about: 'Begin after the change that had this resume token, rather than now.',
        field: 'resume_token',
      },
      { flag: '--limit', value: 'number', about: 'Stop after so many.' },
    ],
    examples: ['', '--webhook joe --state failed'],
  },
  {
    verb: 'retry',
    argument: { ...DELIVERY, required: false },
    about: 'Send a delivery again now, or all failed ones that are chosen.',
    notes:
      'Give a delivery, or what chooses some, such as --webhook. Nothing goes out while the circuit breaker of the ' +
      'webhook is open; carillon webhooks resume closes it.',
    options: [
      ...WHICH.filter(({ flag }) => flag !== '--state'),
      SINCE,
      UNTIL,
      { flag: '--waiting', about: 'Those too that failed and wait for their next attempt.' },
      DRY_RUN,
    ],
    examples: [
      'msg_01M85WKSFC3VGD8PTTK4CPV79D',
      '--webhook joe --since 1d',
      '--webhook joe --waiting',
      '--status 5xx --dry-run',
    ],
  },
  {
    verb: 'cancel',
    argument: { ...DELIVERY, required: false },
    about:
      'Give up a delivery that waits, or all that are chosen. One that is being sent has its chance first.',
    options: [...WHICH.filter(({ flag }) => flag !== '--state'), SINCE, UNTIL, DRY_RUN],
    examples: [
      'msg_01M85WKSFC3VGD8PTTK4CPV79D',
      '--webhook joe --until 1d --dry-run',
      '--filter "attempt_count > 3"',
    ],
  },
];
