import { AUDIT } from './audit/commands.ts';
import type { Command, LONE } from './command.ts';
import { DECLARED_COMMANDS } from './declared/commands.ts';
import { RESUME } from './standby/commands.ts';
import { STATUS } from './status/commands.ts';

/** The commands that stand in no group. */
export const LONE_COMMANDS: Readonly<Record<(typeof LONE)[number], Command>> = {
  ...DECLARED_COMMANDS,
  status: STATUS,
  audit: AUDIT,
  resume: RESUME,
};
