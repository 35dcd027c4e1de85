import { nearest } from '../domain/nearest.ts';
import { COMMANDS, type Command } from '../server/config/settings.ts';
import { VERSION } from '../server/version.ts';
import { GROUPS, type Group, LONE, LONE_ALIASES, OFFLINE } from './client/command.ts';
import { EXIT } from './exit.ts';
import { commandHelp, programHelp } from './program-help.ts';
import { serve } from './serve.ts';
import type { World } from './world.ts';

const WORDS = [...COMMANDS, ...GROUPS, ...LONE, ...OFFLINE, 'completion', 'help', 'version'];

/** Runs what `argv` asks for, without the program's own name, and resolves with the exit code. */
export async function run(argv: readonly string[], world: World): Promise<number> {
  const [word, ...rest] = argv;
  const command = COMMANDS.find((known) => known === word);
  if (command) {
    if (!rest.some(asksForHelp)) return serve(command, rest, world);
    world.out(commandHelp(command));
    return EXIT.ok;
  }
  const group = GROUPS.find((known) => known === word);
  if (group) return client(group, rest, world);
  const standing = loneOf(word);
  if (standing !== undefined) return lone(standing, rest, world);
  const onDatabase = OFFLINE.find((known) => known === word);
  if (onDatabase !== undefined) return offline(onDatabase, rest, world);
  if (word === 'completion') return completion(rest, world);
  if (word === undefined) {
    world.err(programHelp());
    return EXIT.usage;
  }
  if (word === 'version' || word === '--version' || word === '-v') {
    world.out(`carillon ${VERSION}\n`);
    return EXIT.ok;
  }
  if (word === 'help' || asksForHelp(word)) return help(rest, world);
  return unknown(word, world);
}

/** A command that is a client of the API. What they can say is loaded for them only. */
async function client(group: Group, argv: readonly string[], world: World): Promise<number> {
  const [{ CLIENT_COMMANDS }, { clientHelp, groupHelp }] = await Promise.all([
    import('./client/all-commands.ts'),
    import('./client/client-help.ts'),
  ]);
  const [verb, ...rest] = argv;
  const command = CLIENT_COMMANDS[group].find((known) => known.verb === verb || known.alias === verb);
  if (command) {
    if (!asksForHelpBeforeOperands(rest)) {
      const { runClient } = await import('./client/run-client.ts');
      return runClient(group, command, rest, world);
    }
    world.out(clientHelp(group, command));
    return EXIT.ok;
  }
  if (verb === undefined || asksForHelp(verb)) {
    if (verb === undefined) world.err(groupHelp(group));
    else world.out(groupHelp(group));
    return verb === undefined ? EXIT.usage : EXIT.ok;
  }
  const near = nearest(
    verb,
    CLIENT_COMMANDS[group].map((each) => each.verb),
  );
  const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
  world.err(
    `carillon: ${JSON.stringify(verb)} is not a command of ${group}${hint}; see carillon ${group} --help\n`,
  );
  return EXIT.usage;
}

function loneOf(word = ''): (typeof LONE)[number] | undefined {
  return LONE.find((known) => known === word) ?? LONE_ALIASES.get(word);
}

async function completion(argv: readonly string[], world: World): Promise<number> {
  const { COMPLETION_HELP, completion: print } = await import('./completion/completion.ts');
  if (!argv.some(asksForHelp)) return print(argv, world);
  world.out(COMPLETION_HELP);
  return EXIT.ok;
}

/** A client of the API that stands in no group. */
async function lone(word: (typeof LONE)[number], argv: readonly string[], world: World): Promise<number> {
  const { LONE_COMMANDS } = await import('./client/lone.ts');
  const command = LONE_COMMANDS[word];
  if (asksForHelpBeforeOperands(argv)) {
    const { clientHelp } = await import('./client/client-help.ts');
    world.out(clientHelp('', command));
    return EXIT.ok;
  }
  const { runClient } = await import('./client/run-client.ts');
  return runClient('', command, argv, world);
}

/** A command that works on a database, and not on a server. */
async function offline(
  word: (typeof OFFLINE)[number],
  argv: readonly string[],
  world: World,
): Promise<number> {
  const { OFFLINE_COMMANDS } = await import('./offline/commands.ts');
  const command = OFFLINE_COMMANDS[word];
  if (asksForHelpBeforeOperands(argv)) {
    const { clientHelp } = await import('./client/client-help.ts');
    world.out(clientHelp('', command));
    return EXIT.ok;
  }
  const { runOffline } = await import('./offline/run-offline.ts');
  return runOffline(command, argv, world);
}

async function help([about, ...rest]: readonly string[], world: World): Promise<number> {
  const group = GROUPS.find((known) => known === about);
  if (group) return client(group, [...rest.slice(0, 1), '--help'], world);
  const standing = loneOf(about);
  if (standing !== undefined) return lone(standing, ['--help'], world);
  const onDatabase = OFFLINE.find((known) => known === about);
  if (onDatabase !== undefined) return offline(onDatabase, ['--help'], world);
  if (about === 'completion') return completion(['--help'], world);
  const command: Command | undefined = COMMANDS.find((known) => known === about);
  if (about !== undefined && command === undefined && !WORDS.includes(about)) return unknown(about, world);
  world.out(command ? commandHelp(command) : programHelp());
  return EXIT.ok;
}

function unknown(word: string, world: World): number {
  const near = nearest(word, WORDS);
  const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
  world.err(`carillon: ${JSON.stringify(word)} is not a command${hint}; see carillon --help\n`);
  return EXIT.usage;
}

/** After `--` nothing is an option. */
function asksForHelpBeforeOperands(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end < 0 ? argv.length : end).some(asksForHelp);
}

function asksForHelp(arg: string): boolean {
  return arg === '--help' || arg === '-h';
}
