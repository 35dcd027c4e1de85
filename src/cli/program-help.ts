import { COMMANDS, type Command } from '../server/config/settings.ts';
import { optionsHelp } from '../server/config/settings-help.ts';
import { GROUP_TITLES, GROUPS, LONE, LONE_TITLES, OFFLINE, OFFLINE_TITLES } from './client/command.ts';

const ABOUT: Record<Command, { readonly title: string; readonly text: string }> = {
  dev: {
    title: 'run a server on this machine to try things out',
    text: 'Destinations on this machine are allowed, and an inbox shows what arrives.',
  },
  serve: {
    title: 'run a server',
    text: 'The same server as `carillon dev` without its conveniences, and with a log in JSON.',
  },
};

/** What the commands of the server do, in a few words. */
export const SERVER_TITLES: Readonly<Record<Command, string>> = {
  dev: ABOUT.dev.title,
  serve: ABOUT.serve.title,
};

/** What `carillon --help` prints. */
export function programHelp(): string {
  const commands = [
    ...COMMANDS.map((command) => [command, capital(ABOUT[command].title)] as const),
    ...GROUPS.map((group) => [group, capital(GROUP_TITLES[group])] as const),
    ...LONE.map((command) => [command, capital(LONE_TITLES[command])] as const),
    ...OFFLINE.map((command) => [command, capital(OFFLINE_TITLES[command])] as const),
    ['completion', 'Print what makes bash, zsh or fish complete commands'] as const,
    ['help', 'Print this, or what a command takes: carillon help dev, carillon help events publish'] as const,
    ['version', 'Print the version'] as const,
  ];
  const widest = Math.max(...commands.map(([name]) => name.length));
  return `Carillon delivers webhooks on a schedule and whenever an event is published.

Usage: carillon <command> [options]

Commands:
${commands.map(([name, about]) => `  ${name.padEnd(widest)}  ${about}.`).join('\n')}

Each command prints its options with --help. Exit codes: 0 when it was done or stopped, 1 when it failed,
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
