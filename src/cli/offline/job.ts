import type { Config } from '../../server/config/load.ts';
import type { Invocation } from '../client/command.ts';
import type { World } from '../world.ts';

/** What a command does with a database; it resolves with what is printed of it. */
export type OfflineVerb = (job: OfflineJob) => Promise<string>;

export interface OfflineJob {
  readonly invocation: Invocation;
  /** What the command stands for: `backup.db`. */
  readonly file: string;
  readonly config: Config;
  readonly world: World;
}
