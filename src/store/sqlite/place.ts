import { lstatSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { DomainError } from '../../domain/error.ts';
import { messageOf } from './driver.ts';

/**
 * The file that `path` leads to, whatever links are between; one that does not exist yet is where it will be. Nothing
 * is made. Raises FAILED_PRECONDITION, for the person who starts the server, where no database can be.
 */
export function placeOf(path: string): string {
  const found = look(path, () => statSync(path, { throwIfNoEntry: false }));
  if (found === undefined) return newPlace(path);
  if (!found.isFile())
    throw refusal(path, `cannot be opened: it is ${kindOf(found)}; give the path of a file`);
  return realpathSync(path);
}

export function refusal(path: string, why: string): DomainError {
  return new DomainError('DATABASE_UNUSABLE', `${path} ${why}`);
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function newPlace(path: string): string {
  const link = look(path, () => lstatSync(path, { throwIfNoEntry: false }));
  // A link to a file that does not exist yet: SQLite would make that file.
  if (link?.isSymbolicLink()) return newPlace(resolve(dirname(path), readlinkSync(path)));
  const folder = dirname(resolve(path));
  const found = look(path, () => statSync(folder, { throwIfNoEntry: false }));
  if (found === undefined) {
    throw refusal(path, `cannot be created: there is no folder ${folder}; make it, or give another place`);
  }
  if (!found.isDirectory()) throw refusal(path, `cannot be created: ${folder} is no folder`);
  return join(realpathSync(folder), basename(path));
}

function look(path: string, at: () => Stats | undefined): Stats | undefined {
  try {
    return at();
  } catch (error) {
    throw refusal(path, `cannot be opened: ${messageOf(error)}`);
  }
}

function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a folder';
  return found.isFIFO() || found.isSocket() ? 'a pipe or socket' : 'a device';
}
