import type { Command } from '../command.ts';

export const RESUME: Command = {
  verb: 'resume',
  about:
    'Let a server send whose database was restored from a backup or imported, and which sends nothing yet.',
  notes:
    'Make sure first that the server which it was copied from has stopped: both would send the same. At first all goes out that is due. One webhook is resumed with carillon webhooks resume.',
  options: [
    {
      flag: '--all',
      about: 'Everything that the server has. It has to be given, so that nothing goes out by mistake.',
    },
  ],
  examples: ['--all'],
};
