/** The command line, run in this process against a server. */
import { run } from '../../src/cli/run.ts';
import { type TestWorld, testWorld } from './world.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** What a command prints and ends with, as whoever has CARILLON_ADDRESS set to `url` runs it. */
export async function runCli(
  url: string,
  argv: readonly string[],
  given: Parameters<typeof testWorld>[0] = {},
): Promise<Ran> {
  const world: TestWorld = testWorld({ ...given, env: { CARILLON_ADDRESS: url, ...given.env } });
  const code = await run(argv, world);
  return { code, ...world.printed };
}
