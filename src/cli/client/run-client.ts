import { EXIT } from '../exit.ts';
import type { World } from '../world.ts';
import { type Command, type Invocation, type Place, spoken, UsageError } from './command.ts';
import type { Verb } from './job.ts';
import { parse } from './parse.ts';

/** Runs `carillon <group> <verb> …`, or `carillon <verb> …`, and resolves with the exit code. */
export async function runClient(
  place: Place,
  command: Command,
  argv: readonly string[],
  world: World,
): Promise<number> {
  let invocation: Invocation;
  try {
    invocation = parse(place, command, argv);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    world.err(`carillon: ${error.message}\n`);
    return EXIT.usage;
  }
  // Loaded only here, so that nothing else waits for the client of the API.
  const [{ connect, withNamespace }, { apiKeyOf }, { trustOf }, { explain }, { paperOf }, verb] =
    await Promise.all([
      import('./connect.ts'),
      import('./api-key.ts'),
      import('./trust.ts'),
      import('./explain.ts'),
      import('./job.ts'),
      verbOf(place, command),
    ]);
  let address = '';
  try {
    const apiKey = await apiKeyOf(invocation, world);
    const trust = await trustOf(invocation, world);
    const connection = connect(invocation, world.env, { apiKey, trust });
    address = connection.address;
    const inNamespace = withNamespace(invocation, world.env);
    const code = await verb({ invocation: inNamespace, connection, world, paper: paperOf(world) });
    return code ?? EXIT.ok;
  } catch (reason) {
    const { text, code } = explain(reason, { command, address });
    world.err(text);
    return code;
  } finally {
    // The process would not wait long for a slow reader.
    await world.flush();
  }
}

async function verbOf(place: Place, command: Command): Promise<Verb> {
  const verb = (await VERBS[place]())[command.verb];
  if (verb === undefined)
    throw new Error(`${spoken(place, command)} is in the table of commands, but not written`);
  return verb;
}

const VERBS: Readonly<Record<Place, () => Promise<Readonly<Record<string, Verb>>>>> = {
  '': async () => (await import('./lone-verbs.ts')).LONE_VERBS,
  webhooks: async () => (await import('./webhook/verbs.ts')).WEBHOOK_VERBS,
  events: async () => (await import('./event/verbs.ts')).EVENT_VERBS,
  deliveries: async () => (await import('./delivery/verbs.ts')).DELIVERY_VERBS,
  keys: async () => (await import('./key/verbs.ts')).KEY_VERBS,
  schedules: async () => (await import('./schedule/verbs.ts')).SCHEDULE_VERBS,
  namespaces: async () => (await import('./namespace/verbs.ts')).NAMESPACE_VERBS,
};
