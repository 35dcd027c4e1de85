import type { Command, Group } from './command.ts';
import { DELIVERY_COMMANDS } from './commands-deliveries.ts';
import { EVENT_COMMANDS } from './commands-events.ts';
import { WEBHOOK_COMMANDS } from './commands-webhooks.ts';

/** Every command that is a client of the API: what can be written, and what help says. */
export const CLIENT_COMMANDS: Readonly<Record<Group, readonly Command[]>> = {
  webhooks: WEBHOOK_COMMANDS,
  events: EVENT_COMMANDS,
  deliveries: DELIVERY_COMMANDS,
};
