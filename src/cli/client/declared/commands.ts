import type { Command, Option } from '../command.ts';

const ASKING: readonly Option[] = [
  { flag: '--yes', about: 'Do it without asking. Needed where no terminal is.' },
  { flag: '--dry-run', about: 'Show what would be done, and do nothing.' },
  {
    flag: '--show-secrets',
    about: 'Print the signing secrets of new webhooks that none was given for also where no terminal is.',
  },
];

/** What makes webhooks of files. */
export const DECLARED_COMMANDS = {
  apply: {
    verb: 'apply',
    about: 'Make webhooks what files declare: show the difference, ask, and change only that.',
    notes:
      'A file holds webhooks as the API has them, in YAML or JSON: one, a list, or several after ---. Each has an ' +
      `id, by which it is found again. \${NAME} stands for a variable of the environment, \${NAME:-otherwise} for ` +
      'another text where it is not set, and $${ for ${ itself. Nothing is printed where nothing differs. What is ' +
      'wrong with any file is shown before anything is changed.',
    options: [
      {
        flag: '--file',
        short: '-f',
        value: 'path',
        many: true,
        about:
          'A file, a folder of files that end in .yaml, .yml or .json, or standard input (-); several for all of them.',
      },
      {
        flag: '--owner',
        value: 'name',
        about:
          'Mark the webhooks as those of the set of this name, with the label carillon.dev/applied-by. Those of ' +
          'another set are refused.',
      },
      {
        flag: '--prune',
        about: 'Remove webhooks of the set that are declared no more. It needs --owner.',
      },
      { flag: '--take-over', about: 'Make webhooks of another set those of this one.' },
      ...ASKING,
      {
        flag: '--exit-code',
        about: 'With --dry-run: exit with 3 when something differs.',
      },
    ],
    examples: [
      '-f hooks/',
      '-f hooks/ --owner shop --prune --yes',
      '-f hooks/ --dry-run --exit-code',
      '-f - --yes < hooks.yaml',
    ],
  },
  'import-crontab': {
    verb: 'import-crontab',
    argument: {
      name: 'file',
      about: 'A crontab as crontab -l prints it, or - for standard input.',
      required: true,
    },
    about: 'Register webhooks that ring when the curl lines of a crontab did, and show their next runs.',
    notes:
      'Lines that cannot be taken are told with their numbers and reasons, and the others are taken; the exit code ' +
      'is 0 only if all were. Everything becomes a POST.',
    options: [
      {
        flag: '--time-zone',
        value: 'zone',
        about: 'The IANA time zone of lines that no CRON_TZ stands before (default that of this machine).',
      },
      { flag: '--system', about: 'Lines name a user before the command, as in /etc/crontab.' },
      {
        flag: '--output',
        short: '-o',
        value: 'yaml|json',
        about: 'Print files for carillon apply, and ask no server.',
      },
      ...ASKING,
    ],
    examples: [
      'crontab.txt',
      '/etc/crontab --system --time-zone Europe/Vienna --dry-run',
      '- --output yaml < crontab.txt',
    ],
  },
} as const satisfies Readonly<Record<string, Command>>;
