import { type Config, loadConfig } from '../../server/config/load.ts';
import { type Command, flagValue, type Invocation, UsageError } from '../client/command.ts';
import { parse } from '../client/parse.ts';
import { EXIT } from '../exit.ts';
import type { World } from '../world.ts';

/** Flags of ours that are settings of `serve`. */
const SETTINGS = ['--db', '--store', '--secrets-key-file', '--config'] as const;

/** Runs `carillon backup …` and its like, and resolves with the exit code. */
export async function runOffline(command: Command, argv: readonly string[], world: World): Promise<number> {
  let invocation: Invocation;
  let config: Config;
  try {
    invocation = parse('', command, argv);
    config = await loadConfig('serve', { ...world, argv: settingsOf(invocation) });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    world.err(`carillon: ${error.message}\n`);
    return EXIT.usage;
  }
  try {
    // Loaded only here: it is most of a server.
    const { OFFLINE_VERBS } = await import('./verbs.ts');
    const verb = OFFLINE_VERBS[command.verb];
    if (verb === undefined) throw new Error(`${command.verb} is in the table of commands, but not written`);
    world.out(await verb({ invocation, file: invocation.argument ?? '', config, world }));
    return EXIT.ok;
  } catch (error) {
    world.err(`carillon: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof UsageError ? EXIT.usage : EXIT.failed;
  } finally {
    await world.flush();
  }
}

function settingsOf(invocation: Invocation): string[] {
  return SETTINGS.flatMap((flag) => {
    const value = flagValue(invocation, flag);
    return value === undefined ? [] : [flag, value];
  });
}
