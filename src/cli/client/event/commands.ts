import { type Argument, type Command, type Option, PAGE } from '../command.ts';

const EVENT: Argument = { name: 'event', about: 'Its id.', required: true, field: 'id' };

/** Times are RFC 3339, or how long ago: `2h`. */
const SINCE = (field: string): Option => ({
  flag: '--since',
  value: 'time',
  about: 'Only those published at this time (RFC 3339) or later, or so long ago (2h).',
  field,
});
const UNTIL = (field: string): Option => ({
  flag: '--until',
  value: 'time',
  about: 'Only those published before this time.',
  field,
});
const TYPE = (field: string): Option => ({
  flag: '--type',
  value: 'type',
  about: 'Only those of this type; order.* for all types that begin so.',
  field,
});

export const EVENT_COMMANDS: readonly Command[] = [
  {
    verb: 'publish',
    argument: {
      name: 'type',
      about: 'What kind of thing happened: order.paid.',
      required: true,
      field: 'event.type',
    },
    about: 'Publish an event to every webhook that asks for its type.',
    notes:
      'The data is sent byte for byte as it is given. Without --content-type it is JSON if it can be read as ' +
      'that, otherwise text if it is UTF-8, otherwise bytes. What begins with {, [ or a quote and is not JSON is refused.',
    options: [
      {
        flag: '--data',
        value: 'text|@file|-',
        about: 'What is to be told: as it stands here, from a file, or from standard input.',
        field: 'event.text',
      },
      {
        flag: '--content-type',
        value: 'type',
        about: 'The media type of the data.',
        field: 'event.content_type',
      },
      { flag: '--text', about: 'The data is text, even if it begins like JSON, or is JSON.' },
      {
        flag: '--id',
        value: 'id',
        about: 'Your name for it: published again with the same id and content, it is the same event.',
        field: 'event.id',
      },
      { flag: '--source', value: 'uri', about: 'Where it happened.', field: 'event.source' },
      { flag: '--subject', value: 'text', about: 'What it happened to.', field: 'event.subject' },
      { flag: '--time', value: 'time', about: 'When it happened (default now).', field: 'event.time' },
      {
        flag: '--header',
        value: 'name=value',
        many: true,
        about: 'An extra request header for each delivery of it.',
        field: 'event.headers',
      },
      {
        flag: '--extension',
        value: 'name=value',
        many: true,
        about: 'An extension attribute of CloudEvents.',
        field: 'event.extensions',
      },
      {
        flag: '--deliver-at',
        value: 'time',
        about: 'Deliver it at this time (RFC 3339) rather than now.',
        field: 'deliver_time',
      },
      { flag: '--delay', value: 'duration', about: 'Deliver it so long from now: 10m.', field: 'delay' },
    ],
    examples: [
      `order.paid --data '{"amount": 250}'`,
      'order.paid --data @order.json --id order-7-paid',
      'sensor.image --data @image.png --content-type image/png --delay 10m',
      'order.paid --data - < order.json',
    ],
  },
  {
    verb: 'list',
    alias: 'ls',
    about: 'List events, newest first.',
    notes:
      'The runs of schedules are left out unless --runs, --type or a --filter that names a type asks for them.',
    options: [
      { flag: '--runs', about: 'The runs of schedules too.' },
      TYPE('filter'),
      SINCE('filter'),
      UNTIL('filter'),
      {
        flag: '--filter',
        value: 'filter',
        about: 'Only those for which this is true, as the API has it: source = /shop AND NOT purged = true …',
        field: 'filter',
      },
      {
        flag: '--order-by',
        value: 'field',
        about: 'In this order: create_time is oldest first.',
        field: 'order_by',
      },
      ...PAGE,
    ],
    examples: ["--type 'order.*' --since 1h", '--runs --limit 10'],
  },
  {
    verb: 'get',
    argument: EVENT,
    about: 'Show an event with its data.',
    options: [],
    examples: ['order-7-paid'],
  },
  {
    verb: 'replay',
    about: 'Send events again: those of a range of time, or those that are named.',
    notes: 'Give --since, or --id. The new deliveries have ids of their own and point to the original ones.',
    options: [
      SINCE('range.start_time'),
      UNTIL('range.end_time'),
      TYPE('range.type'),
      {
        flag: '--id',
        value: 'id',
        many: true,
        about: 'An event; several for all of them.',
        field: 'ids.ids',
      },
      {
        flag: '--filter',
        value: 'expression',
        about: 'Only events for which this CEL expression is true: event.data.amount > 100.',
        field: 'filter',
      },
      {
        flag: '--delivered-to',
        value: 'webhook',
        about:
          'Only events that were delivered to this webhook (id, or name); they are sent to it, or to --webhook.',
        field: 'delivered_to',
      },
      {
        flag: '--webhook',
        value: 'webhook',
        about: 'Send to this webhook only (id, or name), whether or not it asks for these types.',
        field: 'webhook_id',
      },
      { flag: '--validate-only', about: 'Count, and send nothing.', field: 'validate_only' },
    ],
    examples: [
      "--since 2h --type 'order.*' --validate-only",
      '--since 2h --delivered-to joe',
      '--id order-7-paid --webhook joe',
    ],
  },
  {
    verb: 'purge',
    argument: EVENT,
    about: 'Erase the data of an event everywhere, now, and cancel its deliveries that wait.',
    options: [],
    examples: ['order-7-paid'],
  },
];
