import { EXIT } from '../exit.ts';
import type { World } from '../world.ts';
import { type Command, type Group, type Invocation, UsageError } from './command.ts';
import type { Verb } from './job.ts';
import { parse } from './parse.ts';

/** Runs `carillon <group> <verb> …` and resolves with the exit code. */
export async function runClient(
  group: Group,
  command: Command,
  argv: readonly string[],
  world: World,
): Promise<number> {
  let invocation: Invocation;
  try {
    invocation = parse(group, command, argv);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    world.err(`carillon: ${error.message}\n`);
    return EXIT.usage;
  }
  // Loaded only here, so that nothing else waits for the client of the API.
  const [{ connect }, { explain }, { paperOf }, verb] = await Promise.all([
    import('./connect.ts'),
    import('./explain.ts'),
    import('./job.ts'),
    verbOf(group, command.verb),
  ]);
  let address = '';
  try {
    const connection = connect(invocation, world.env);
    address = connection.address;
    await verb({ invocation, connection, world, paper: paperOf(world) });
    return EXIT.ok;
  } catch (reason) {
    const { text, code } = explain(reason, { group, command, address });
    world.err(text);
    return code;
  } finally {
    // The process would not wait long for a slow reader.
    await world.flush();
  }
}

async function verbOf(group: Group, name: string): Promise<Verb> {
  const verb = (await VERBS[group]())[name];
  if (verb === undefined) throw new Error(`${group} ${name} is in the table of commands, but not written`);
  return verb;
}

const VERBS: Readonly<Record<Group, () => Promise<Readonly<Record<string, Verb>>>>> = {
  webhooks: async () => (await import('./webhook/verbs.ts')).WEBHOOK_VERBS,
  events: async () => (await import('./event/verbs.ts')).EVENT_VERBS,
  deliveries: async () => (await import('./delivery/verbs.ts')).DELIVERY_VERBS,
  schedules: async () => (await import('./schedule/verbs.ts')).SCHEDULE_VERBS,
};
