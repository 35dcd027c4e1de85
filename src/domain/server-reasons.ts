import type { ReasonEntry } from './reason-entry.ts';

/** Reasons why a server does not start, or cannot go on, which no caller of the API is given. */
export const SERVER_REASONS = {
  EXPOSED: {
    code: 'FAILED_PRECONDITION',
    when: 'The server would listen where others can reach it, without keys or without TLS.',
    todo: 'Do what the message says, or say with --no-keys or --plaintext that it is meant.',
  },
  SETTING_INVALID: {
    code: 'INVALID',
    when: 'A setting, or an option of the command line, cannot be used.',
    todo: 'Mend it where the message says that it came from.',
  },
  TLS_UNUSABLE: {
    code: 'FAILED_PRECONDITION',
    when: 'The certificate that the server should speak TLS with cannot be read, or its key is that of another.',
    todo: 'Mend the file that the message names, or give another one.',
  },
  ADDRESS_UNUSABLE: {
    code: 'FAILED_PRECONDITION',
    when: 'The address cannot be listened on.',
    todo: 'Give another one.',
  },
  DATABASE_UNUSABLE: {
    code: 'FAILED_PRECONDITION',
    when: 'The database cannot be opened.',
    todo: 'Give another path, or stop the process that has it.',
  },
  IMPORT_UNUSABLE: {
    code: 'FAILED_PRECONDITION',
    when: 'A file cannot be imported: it is none, cut short, damaged or of a newer version, or the database is not empty.',
    todo: 'Do what the message says. Nothing was changed.',
  },
  SECRETS_KEY_UNUSABLE: {
    code: 'FAILED_PRECONDITION',
    when: 'The key that seals secrets cannot be read, or is not the one that they were sealed with.',
    todo: 'Start with the right one.',
  },
} as const satisfies Record<string, ReasonEntry>;
