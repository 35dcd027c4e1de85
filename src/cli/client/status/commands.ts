import type { Command } from '../command.ts';

export const STATUS: Command = {
  verb: 'status',
  about: 'Say whether the server is well, which version it is, what waits and what fails.',
  notes:
    'The exit code is 0 if it serves, and 1 if it does not or nobody answers, so that a script can ask. carillon health is the same.',
  options: [],
  examples: ['', '--address hooks.internal:8090 --json'],
};
