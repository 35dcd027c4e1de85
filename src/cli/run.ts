import { nearest } from '../server/config-nearest.ts';
import { COMMANDS, type Command } from '../server/config-table.ts';
import { VERSION } from '../server/version.ts';
import { EXIT } from './exit.ts';
import { commandHelp, programHelp } from './help.ts';
import { serve } from './serve.ts';
import type { World } from './world.ts';

const WORDS = [...COMMANDS, 'help', 'version'];

/** Runs what `argv` asks for, without the program's own name, and resolves with the exit code. */
export async function run(argv: readonly string[], world: World): Promise<number> {
  const [word, ...rest] = argv;
  const command = COMMANDS.find((known) => known === word);
  if (command) {
    if (!rest.some(asksForHelp)) return serve(command, rest, world);
    world.out(commandHelp(command));
    return EXIT.ok;
  }
  if (word === undefined) {
    world.err(programHelp());
    return EXIT.usage;
  }
  if (word === 'version' || word === '--version' || word === '-v') {
    world.out(`carillon ${VERSION}\n`);
    return EXIT.ok;
  }
  if (word === 'help' || asksForHelp(word)) return help(rest[0], world);
  return unknown(word, world);
}

function help(about: string | undefined, world: World): number {
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

function asksForHelp(arg: string): boolean {
  return arg === '--help' || arg === '-h';
}
