import { audit } from './audit/verbs.ts';
import { DECLARED_VERBS } from './declared/verbs.ts';
import type { Verb } from './job.ts';
import { resume } from './standby/verbs.ts';
import { status } from './status/verbs.ts';

/** What the commands do that stand in no group. */
export const LONE_VERBS: Readonly<Record<string, Verb>> = { ...DECLARED_VERBS, status, audit, resume };
