import { type Argument, type Command, type Option, PAGE } from '../command.ts';
import { WEBHOOK_FIELDS } from './fields.ts';

const WEBHOOK: Argument = {
  name: 'webhook',
  about: 'Its id, or its name if no other has it.',
  required: true,
  field: 'id',
};

const FROM: Option = {
  flag: '--from',
  value: 'file',
  about:
    'Take the webhook from a file of JSON as the API has it, or from standard input (-). Options add to it.',
};

const FILTER: Option = {
  flag: '--filter',
  value: 'filter',
  about: 'All for which this is true, as the API has it: labels.team = shop …',
  field: 'filter',
};

const DRY_RUN: Option = { flag: '--dry-run', about: 'Say which, and do nothing.', field: 'validate_only' };

/** What webhooks are chosen by; each is a comparison of the filter. */
const WHICH: readonly Option[] = [
  { flag: '--name', value: 'name', about: 'Only those with this name.', field: 'filter' },
  {
    flag: '--state',
    value: 'active|paused|disabled',
    about: 'Only those in this state.',
    field: 'filter',
  },
  {
    flag: '--label',
    value: 'key=value',
    many: true,
    about: 'Only those with this label; several for all of them.',
    field: 'filter',
  },
  {
    flag: '--filter',
    value: 'filter',
    about: 'Only those for which this is true, as the API has it: labels.team = a AND NOT state = ACTIVE …',
    field: 'filter',
  },
];

export const WEBHOOK_COMMANDS: readonly Command[] = [
  {
    verb: 'register',
    about: 'Register a webhook, or change the one that has the same id, or the same name and destination.',
    notes:
      'Without a schedule and event types it rings every 5 s, unless the server is configured otherwise. The ' +
      'signing secret is printed once, when the webhook is new.',
    options: [
      ...WEBHOOK_FIELDS,
      FROM,
      { flag: '--validate-only', about: 'Do everything but register it.', field: 'validate_only' },
    ],
    examples: [
      '--name joe --destination https://example.com/hook --every 5s',
      "--name nightly --destination https://example.com/hook --cron '30 2 * * *' --time-zone Europe/Vienna",
      "--name orders --destination https://example.com/hook --event-type 'order.*' --filter 'event.data.amount > 100'",
    ],
  },
  {
    verb: 'list',
    alias: 'ls',
    about: 'List webhooks, oldest first.',
    options: [
      ...WHICH,
      {
        flag: '--order-by',
        value: 'field',
        about: 'In this order: create_time (as without it) or name; with " desc" the other way round.',
        field: 'order_by',
      },
      ...PAGE,
    ],
    examples: ['--state disabled', '--label team=red --json'],
  },
  {
    verb: 'get',
    argument: WEBHOOK,
    about: 'Show a webhook.',
    options: [],
    examples: ['joe', 'wh_01M85WKSFC3VGD8PTTK4CPV79D --json'],
  },
  {
    verb: 'update',
    argument: WEBHOOK,
    about: 'Change a webhook: the fields that are given, and no others.',
    options: [
      ...WEBHOOK_FIELDS.filter(({ onlyAtRegistration }) => !onlyAtRegistration),
      FROM,
      {
        flag: '--clear',
        value: 'field',
        many: true,
        about:
          'Set a field to nothing, by its name in the API: schedule, filter, labels, limits.rate_limit …',
        field: 'update_mask',
      },
      {
        flag: '--etag',
        value: 'etag',
        about: 'Only if it was not changed since it had this etag.',
        field: 'webhook.etag',
      },
    ],
    examples: ['joe --every 1m', 'joe --concurrency 2 --clear labels'],
  },
  ...(
    [
      ['pause', 'Stop ringing webhooks. Events for them wait, runs are skipped.', 'joe'],
      [
        'resume',
        'Ring paused or disabled webhooks again; send to those that fail at once, their destinations are well.',
        'joe',
      ],
    ] as const
  ).map(
    ([verb, about, example]): Command => ({
      verb,
      argument: { ...WEBHOOK, required: false },
      about,
      options: [
        { flag: '--etag', value: 'etag', about: 'Only if it was not changed since.', field: 'etag' },
        FILTER,
        DRY_RUN,
      ],
      examples: [example, "--filter 'labels.team = shop' --dry-run"],
    }),
  ),
  {
    verb: 'remove',
    alias: 'rm',
    argument: {
      ...WEBHOOK,
      required: false,
      about: 'Its id, or a name: of several webhooks with this name you are asked, unless you give --all.',
    },
    about: 'Remove webhooks, and cancel what waits for them.',
    options: [
      {
        flag: '--destination',
        value: 'url',
        about: 'Of those with the name, only the one with this destination.',
        field: 'destination',
      },
      { flag: '--etag', value: 'etag', about: 'Only if it was not changed since.', field: 'etag' },
      FILTER,
      { flag: '--all', about: 'Also more than one, without asking.', field: 'force' },
      DRY_RUN,
    ],
    examples: ['joe', 'joe --destination https://example.com/hook', "--filter 'state = DISABLED' --all"],
  },
  {
    verb: 'export',
    about: 'Write webhooks as files that carillon apply takes.',
    notes:
      'A file has what was asked for, without what the server says of it and without secrets, which it never ' +
      'shows. Applied where it comes from it changes nothing; applied to another server it makes the same webhooks.',
    options: [
      ...WHICH,
      {
        flag: '--output',
        short: '-o',
        value: 'path',
        about:
          'A file that ends in .yaml, .yml or .json for all of them, or a folder for a file each (default standard output).',
      },
      { flag: '--format', value: 'yaml|json', about: 'How they are written (default yaml).' },
    ],
    examples: ['', '--label team=red -o hooks/', '--format json -o hooks.json'],
  },
  {
    verb: 'trigger',
    argument: WEBHOOK,
    about: 'Ring a webhook once, now, and print the id of the delivery.',
    options: [],
    examples: ['joe'],
  },
  {
    verb: 'rotate-secret',
    argument: WEBHOOK,
    about: 'Give a webhook another signing secret, and print it, this once.',
    notes:
      'The secrets before it sign beside it until the overlap ends, so that the receiver can be given the new one ' +
      'meanwhile. carillon webhooks get shows which there are.',
    options: [
      {
        flag: '--secret',
        value: 'secret|@file',
        about: 'This one (whsec_…) rather than one that the server makes; from a file, others do not see it.',
        field: 'secret',
      },
      {
        flag: '--overlap',
        value: 'duration',
        about: 'How long the secrets before it go on signing (default 24h, at most 30d; 0s for not at all).',
        field: 'overlap',
      },
      { flag: '--etag', value: 'etag', about: 'Only if it was not changed since.', field: 'etag' },
    ],
    examples: ['joe', 'joe --overlap 7d', 'joe --overlap 0s --secret @new-secret'],
  },
  {
    verb: 'withdraw-secret',
    argument: WEBHOOK,
    about: 'Make a signing secret of a webhook sign no more, at once.',
    options: [
      {
        flag: '--secret-id',
        value: 'id',
        about: 'The id of the secret, as carillon webhooks get shows it (sec_…). Required.',
        field: 'secret_id',
      },
      { flag: '--etag', value: 'etag', about: 'Only if it was not changed since.', field: 'etag' },
    ],
    examples: ['joe --secret-id sec_01M85WKSFC3VGD8PTTK4CPV79D'],
  },
  {
    verb: 'backfill',
    argument: WEBHOOK,
    about: 'Fire the runs that its schedule would have had in a span that has passed.',
    notes:
      'A run that has fired is not fired again, so the command can be repeated. It says where to go on when a ' +
      'bound was reached.',
    options: [
      {
        flag: '--since',
        value: 'time',
        about: 'The first moment of the span (RFC 3339), or so long ago (2h). Required.',
        field: 'start_time',
      },
      {
        flag: '--until',
        value: 'time',
        about: 'The first moment after it, likewise (default now).',
        field: 'end_time',
      },
      {
        flag: '--overlap',
        value: 'buffer|allow',
        about: 'Whether the runs go one after the other (default), or all at once.',
        field: 'overlap_policy',
      },
      { flag: '--validate-only', about: 'Count the runs, and fire none.', field: 'validate_only' },
    ],
    examples: [
      'joe --since 2d --validate-only',
      'joe --since 2026-01-01T00:00:00Z --until 2026-01-02T00:00:00Z',
    ],
  },
];
