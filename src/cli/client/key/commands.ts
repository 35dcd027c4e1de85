import { type Command, PAGE } from '../command.ts';

const ALL_NAMESPACES = '--all-namespaces';

export const KEY_COMMANDS: readonly Command[] = [
  {
    verb: 'create',
    about: 'Make a key by which a program may call, and print it: it is shown this once.',
    notes:
      'It is made by the server at --address, with an admin key if that server takes calls only with keys. With --db ' +
      'it is made in the database itself, on the machine that has it, while no server runs on it: so the first key of ' +
      'a server that others can reach is made. As soon as there is one key, every call needs one.',
    options: [
      {
        flag: '--role',
        value: 'role',
        about:
          'What its holder may do: read; publish, too; manage webhooks and deliveries, too; admin, who makes keys ' +
          '(default with --db: admin).',
        field: 'role',
      },
      {
        flag: ALL_NAMESPACES,
        about: 'Make it for all namespaces, and not for the one of --namespace (default with --db).',
        field: 'all_namespaces',
      },
      { flag: '--note', value: 'text', about: 'What it is for.', field: 'note' },
      {
        flag: '--expires',
        value: 'time',
        about: 'From when it is not taken any more (RFC 3339), or so long from now (90d).',
        field: 'expire_time',
      },
      {
        flag: '--calls-per-second',
        value: 'number',
        about: 'How many calls may be made with it in a second (default any number).',
        field: 'calls_per_second',
      },
      {
        flag: '--db',
        value: 'path',
        about:
          'Make it in this database, which no server is using: an SQLite file, or the URL of a PostgreSQL.',
      },
    ],
    examples: [
      '--role publish --note shop --expires 90d',
      '--role admin --all-namespaces',
      '--db /var/lib/carillon/carillon.db',
    ],
  },
  {
    verb: 'list',
    alias: 'ls',
    about:
      'List keys: whom they are for, and when they were last used. The keys themselves are known to nobody.',
    options: [
      { flag: ALL_NAMESPACES, about: 'Those of every namespace, and those that are for all.' },
      ...PAGE,
    ],
    examples: ['', '--all-namespaces'],
  },
  {
    verb: 'revoke',
    argument: { name: 'id', about: 'The id of the key, as list shows it.', required: true, field: 'id' },
    about: 'End a key for good. Calls with it are refused from then on.',
    options: [],
    examples: ['key_01M85WKSFC3VGD8PTTK4CPV79D'],
  },
  {
    verb: 'rotate',
    about: 'Replace the key by which the server seals secrets at rest, and seal everything anew.',
    notes:
      'This is the key in the key file of the server, by which secrets lie sealed in its database, and none of the keys ' +
      'that create makes: to replace one of those, make another and revoke it. The server puts a new key into its key ' +
      'file above the present one, and seals everything anew while it serves. Where it is broken off, or the server is ' +
      'stopped, it goes on by itself; called again, this command only waits for it.',
    options: [
      { flag: '--status', about: 'Only say which key seals, and how far it is.' },
      { flag: '--no-wait', about: 'Begin, and leave the rest to the server.' },
    ],
    examples: ['', '--status'],
  },
];
