import { optionsHelp } from '../server/config-help.ts';
import type { Command } from '../server/config-table.ts';

const ABOUT: Record<Command, { readonly title: string; readonly text: string }> = {
  dev: {
    title: 'run a server on this machine to try things out',
    text: 'Destinations on this machine are allowed, an inbox shows what arrives, and no key is needed.',
  },
  serve: {
    title: 'run a server',
    text: 'The same server as `carillon dev` without its conveniences, and with a log in JSON.',
  },
};

/** What `carillon --help` prints. */
export function programHelp(): string {
  return `Carillon delivers webhooks on a schedule.

Usage: carillon <command> [options]

Commands:
  dev        ${capital(ABOUT.dev.title)}.
  serve      ${capital(ABOUT.serve.title)}.
  help       Print this, or the options of a command: carillon help dev.
  version    Print the version.

Each command prints its options with --help. Exit codes: 0 when it was stopped, 1 when it failed,
2 when it was called wrongly or a setting is wrong.
`;
}

/** What `carillon <command> --help` prints. */
export function commandHelp(command: Command): string {
  const { title, text } = ABOUT[command];
  return `carillon ${command}: ${title}.\n${text}\n\nUsage: carillon ${command} [options]\n\n${optionsHelp(command)}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
