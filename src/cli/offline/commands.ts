import type { Command, OFFLINE, Option } from '../client/command.ts';

const CONFIG: Option = {
  flag: '--config',
  value: 'path',
  about: 'The file to read settings from (default carillon.toml).',
};
const HELP: Option = { flag: '--help', about: 'Print this.' };
const DB: Option = {
  flag: '--db',
  value: 'path',
  about: 'The SQLite file (default as for carillon serve: CARILLON_DB, carillon.toml, or carillon.db).',
};
const STORE: Option = {
  flag: '--store',
  value: 'url',
  about:
    'A PostgreSQL instead, postgres://user:password@host/database (better in CARILLON_STORE, since others see flags).',
};
const KEY_FILE: Option = {
  flag: '--secrets-key-file',
  value: 'path',
  about:
    'The file with the key that seals its secrets (or as for carillon serve; default the database path with .key).',
};

/** Commands that work on a database without a server, and take the settings of `serve` that say which. */
export const OFFLINE_COMMANDS: Readonly<Record<(typeof OFFLINE)[number], Command>> = {
  backup: {
    verb: 'backup',
    argument: { name: 'file', about: 'The file to make, which must not exist.', required: true },
    about: 'Copy a database of SQLite, as it is at one moment, also while a server works on it.',
    notes:
      'The key that seals secrets is not in it: keep a copy of that, elsewhere. A server on such a copy sends nothing before it is told to.',
    options: [DB],
    common: [CONFIG, HELP],
    examples: ['backup.db', 'backup.db --db /var/lib/carillon/carillon.db'],
  },
  restore: {
    verb: 'restore',
    argument: { name: 'file', about: 'The backup.', required: true },
    about:
      'Put a backup in the place of a database of SQLite, once it was proven to be whole and to be opened by the key.',
    notes:
      'No server may be at work on the database. The next one sends nothing before carillon resume --all, or serve --take-over.',
    options: [
      DB,
      KEY_FILE,
      { flag: '--replace', about: 'Put the database that is there aside, under a name that is printed.' },
    ],
    common: [CONFIG, HELP],
    examples: ['backup.db', 'backup.db --db /var/lib/carillon/carillon.db --replace'],
  },
  export: {
    verb: 'export',
    argument: { name: 'file', about: 'The file to make, which must not exist.', required: true },
    about:
      'Write all that a database has into a file, from which carillon import fills another, of either kind.',
    notes:
      'No server may be at work on it: what is in the file would be sent by both. Secrets stay sealed by the key of the database, which the import needs.',
    options: [
      DB,
      STORE,
      KEY_FILE,
      {
        flag: '--history',
        about: 'With what is finished: deliveries, their attempts, and events of which nothing waits.',
      },
    ],
    common: [CONFIG, HELP],
    examples: ['carillon.export', 'carillon.export --db /var/lib/carillon/carillon.db --history'],
  },
  import: {
    verb: 'import',
    argument: { name: 'file', about: 'The export.', required: true },
    about: 'Fill an empty database from an export. One that was broken off goes on when it is called again.',
    notes:
      'A server on it sends nothing before carillon resume --all, or serve --take-over. What it has is sealed by the key of the database.',
    options: [
      DB,
      STORE,
      KEY_FILE,
      {
        flag: '--from-key-file',
        value: 'path',
        about: 'The key file of the database that was exported, where that is another key.',
      },
    ],
    common: [CONFIG, HELP],
    examples: [
      'carillon.export --db /var/lib/carillon/carillon.db',
      'carillon.export --secrets-key-file new.key --from-key-file carillon.db.key',
    ],
  },
};
