import { run } from './run.ts';
import { processWorld } from './world.ts';

/** How long the process may take to end by itself once everything has stopped. */
const EXIT_MS = 1000;

/** Runs the command line of this process. */
export async function main(): Promise<void> {
  const code = await run(process.argv.slice(2), processWorld());
  process.exitCode = code;
  // Ending by itself writes out what was printed. Unreferenced, so it only fires if something lingers.
  setTimeout(() => process.exit(code), EXIT_MS).unref();
}
