import type { Migrated } from '../server/migrate.ts';
import { EXIT } from './exit.ts';
import type { World } from './world.ts';

const CHECK = '--check';

/** What `carillon migrate --help` prints. */
export const MIGRATE_HELP = `carillon migrate: bring the database of a server up to date.

Usage: carillon migrate [--check] [options of carillon serve]

A server does this itself when it starts, unless it has --no-migrate. The database is the one that the options of
carillon serve, the environment and carillon.toml name: --db, --store, --store-password-file, --config and the others.
Servers that work on a PostgreSQL may go on meanwhile. A file is refused while a server has it.

Options:
  --check
      Change nothing: say what is to be done. The exit code is 1 if anything is, and 0 if not.
  --help
      Print this.

Examples:
  carillon migrate --db /var/lib/carillon/carillon.db
  CARILLON_STORE=postgres://carillon@db.example/carillon carillon migrate --check
`;

/** Brings a database up to date, or says whether it is, and resolves with the exit code. */
export async function migrate(argv: readonly string[], world: World): Promise<number> {
  const { migrateDatabase } = await import('../server/migrate.ts');
  const check = argv.includes(CHECK);
  try {
    const done = await migrateDatabase({
      ...world,
      argv: argv.filter((word) => word !== CHECK),
      check,
      tell: (sentence) => world.err(`carillon: ${sentence}\n`),
    });
    world.out(`${said(done, check)}\n`);
    return check && done.steps !== '' ? EXIT.failed : EXIT.ok;
  } catch (error) {
    world.err(`carillon: ${error instanceof Error ? error.message : String(error)}\n`);
    return isUsage(error) ? EXIT.usage : EXIT.failed;
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function said({ database, version, known, steps }: Migrated, check: boolean): string {
  if (version > known) {
    return `${database} has schema ${version}, of a newer version; this one (${known}) can work with it`;
  }
  if (steps === '') return `${database} is up to date (schema ${version})`;
  if (!check) return `${database} is up to date now (schema ${known}); done: ${steps}`;
  const found = version === 0 ? 'has nothing of Carillon yet' : `has schema ${version}`;
  return `${database} ${found}, and this version needs ${known}; to be done: ${steps}`;
}

function isUsage(error: unknown): boolean {
  return error instanceof Error && 'reason' in error && error.reason === 'SETTING_INVALID';
}
