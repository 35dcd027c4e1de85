import { type Argument, type Command, type Option, PAGE } from '../command.ts';

const NAME: Argument = { name: 'name', about: 'Its name.', required: true, field: 'name' };

const ETAG: Option = {
  flag: '--etag',
  value: 'etag',
  about: 'Only if it still has this etag.',
  field: 'etag',
};

/** What a namespace may have. */
const QUOTAS: readonly Option[] = [
  { flag: '--webhooks', value: 'number', about: 'How many webhooks it may have.', field: 'quotas.webhooks' },
  {
    flag: '--waiting',
    value: 'number',
    about: 'How many deliveries may wait in it.',
    field: 'quotas.waiting',
  },
  {
    flag: '--waiting-per-webhook',
    value: 'number',
    about: 'How many deliveries may wait for one of its webhooks.',
    field: 'quotas.waiting_per_webhook',
  },
  {
    flag: '--publish-rate',
    value: 'number',
    about: 'How many events a second may be published in it.',
    field: 'quotas.publish_rate.per_second',
  },
  {
    flag: '--publish-burst',
    value: 'number',
    about: 'How many events at once, with --publish-rate (default 1).',
    field: 'quotas.publish_rate.burst',
  },
  {
    flag: '--payload-bytes',
    value: 'number',
    about: 'How large the data of an event may be.',
    field: 'quotas.payload_bytes',
  },
];

export const NAMESPACE_COMMANDS: readonly Command[] = [
  {
    verb: 'list',
    alias: 'ls',
    about: 'List namespaces with their quotas, and how much each has.',
    options: PAGE,
    examples: ['', '--json'],
  },
  {
    verb: 'create',
    argument: NAME,
    about: 'Make a namespace. What is not given is as the server says.',
    options: QUOTAS,
    examples: ['shop', 'shop --webhooks 100 --publish-rate 50 --publish-burst 500'],
  },
  { verb: 'get', argument: NAME, about: 'Show one namespace.', options: [], examples: ['shop'] },
  {
    verb: 'update',
    argument: NAME,
    about: 'Change quotas of a namespace, at once.',
    options: [
      ...QUOTAS,
      {
        flag: '--unset',
        value: 'quota',
        many: true,
        about:
          'Let this quota be as the server says: webhooks, waiting, waiting-per-webhook, publish-rate, payload-bytes.',
        field: 'update_mask',
      },
      ETAG,
    ],
    examples: ['shop --webhooks 200', 'shop --unset publish-rate'],
  },
  {
    verb: 'suspend',
    argument: NAME,
    about: 'Stop a namespace: nothing rings in it, and what waits stays.',
    options: [ETAG],
    examples: ['shop'],
  },
  {
    verb: 'resume',
    argument: NAME,
    about: 'Let a namespace that was suspended go on.',
    options: [ETAG],
    examples: ['shop'],
  },
  {
    verb: 'delete',
    alias: 'rm',
    argument: NAME,
    about: 'Delete a namespace with all that it owns.',
    notes: 'It stops at once. What it owns goes in the background, and its name is free when that is done.',
    options: [{ flag: '--yes', about: 'Do not ask.' }, ETAG],
    examples: ['shop', 'shop --yes'],
  },
];
