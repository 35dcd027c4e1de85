import type { Command, Group } from './command.ts';
import { DELIVERY_COMMANDS } from './delivery/commands.ts';
import { EVENT_COMMANDS } from './event/commands.ts';
import { KEY_COMMANDS } from './key/commands.ts';
import { NAMESPACE_COMMANDS } from './namespace/commands.ts';
import { SCHEDULE_COMMANDS } from './schedule/commands.ts';
import { WEBHOOK_COMMANDS } from './webhook/commands.ts';

/** The commands of each group that are clients of the API: what can be written, and what help says. */
export const CLIENT_COMMANDS: Readonly<Record<Group, readonly Command[]>> = {
  webhooks: WEBHOOK_COMMANDS,
  events: EVENT_COMMANDS,
  deliveries: DELIVERY_COMMANDS,
  schedules: SCHEDULE_COMMANDS,
  namespaces: NAMESPACE_COMMANDS,
  keys: KEY_COMMANDS,
};
