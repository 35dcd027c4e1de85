import { link, open, readFile, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DomainError } from '../domain/error.ts';
import type { Random } from '../domain/random.ts';
import { SEALING_KEY_BYTES, sealKeyId } from '../domain/seal.ts';

/** What a key looks like, to follow "give". */
const KEY_ALLOWED = `${SEALING_KEY_BYTES} bytes in base64 or hex, such as \`openssl rand -base64 ${SEALING_KEY_BYTES}\` prints`;
/** The same where there can be several. */
export const KEYS_ALLOWED = `${KEY_ALLOWED}; several with commas between them, each once, of which the first seals`;
/** Keys at a time. Two do, while one takes the place of the other. */
export const KEYS_MAX = 10;

export interface SecretsKeySource {
  /** The database: a path, or `:memory:`; undefined for one that has no folder, so that nothing can be beside it. */
  readonly db: string | undefined;
  /** What it was called by, where that is a link to it: the key may be beside the link. */
  readonly named?: string;
  /** The key itself, or several, as `decodeKeys` reads them. */
  readonly secretsKey: string | undefined;
  /** A file that holds it. */
  readonly secretsKeyFile: string | undefined;
  readonly random: Random;
}

export interface SecretsKey {
  /** Newest first: that one seals, and each opens what it sealed. */
  readonly keys: readonly Uint8Array[];
  /** The file that they are in; undefined where a setting has them, or nothing but memory. */
  readonly path?: string;
  /** The file beside the database that it is in, and whether that was made just now. */
  readonly beside?: { readonly path: string; readonly isNew: boolean };
  /** A sentence for the log, when the key file is open to others. */
  readonly warning?: string;
}

/**
 * The key that was given; or the one in the file that was named; or the one in `<db>.key`, which is
 * made, readable by its owner only, when neither it nor the database exists. A database in memory
 * gets a random key, and one of PostgreSQL has to be given one.
 *
 * Rejects with DomainError FAILED_PRECONDITION when there is no usable key: the file is missing,
 * cannot be read or written, or holds something else.
 */
export async function loadSecretsKey(source: SecretsKeySource): Promise<SecretsKey> {
  const { db, named = db, secretsKey, secretsKeyFile, random } = source;
  if (secretsKey !== undefined) {
    const keys = decodeKeys(secretsKey);
    if (typeof keys === 'string')
      throw unusable(`the secrets key is not valid: it ${keys}; give ${KEYS_ALLOWED}`);
    return { keys };
  }
  if (secretsKeyFile !== undefined) {
    const found = await readKey(secretsKeyFile);
    if (!found) throw unusable(`the key file ${secretsKeyFile} does not exist; put ${KEY_ALLOWED} into it`);
    return found;
  }
  if (db === undefined || named === undefined) {
    throw unusable(
      'there is no key of the secrets in the database: PostgreSQL keeps no file beside it, so give one that stays with ' +
        `it, with --secrets-key-file, or in CARILLON_SECRETS_KEY: ${KEY_ALLOWED}`,
    );
  }
  if (db === ':memory:') return { keys: [random.bytes(SEALING_KEY_BYTES)] };
  const path = `${db}.key`;
  for (const beside of new Set([path, `${named}.key`])) {
    const found = await readKey(beside);
    if (found) return { ...found, beside: { path: beside, isNew: false } };
  }
  // A new key beside an old database would make every signing secret in it unreadable, and say so
  // only when the next delivery is signed.
  if (await holdsAnything(db)) {
    throw unusable(
      `the database ${db} exists, but the key file ${path} of its secrets does not; ` +
        'put the key file back, or give its key with --secrets-key or --secrets-key-file',
    );
  }
  await makeKey(path, random);
  // Read back, because another process may have been faster: its key is the one that lasts.
  const made = await readKey(path);
  if (!made) throw unusable(`the key file ${path} vanished while it was made`);
  return { ...made, beside: { path, isNew: true } };
}

/**
 * Checks that a key was not left alone: somebody's database belongs to it. Raises FAILED_PRECONDITION if that is
 * missing.
 */
export async function checkNotAlone(db: string, { beside }: SecretsKey): Promise<void> {
  if (beside === undefined || beside.isNew || (await holdsAnything(db))) return;
  throw new DomainError(
    'DATABASE_UNUSABLE',
    `${db} is missing or empty, but its key ${beside.path} is there; put the database back, or, ` +
      'to begin with a new one, start once with --restored',
  );
}

/** Takes back a key that was made for a database that could not be. */
export async function forgetKey(db: string, { beside }: SecretsKey): Promise<void> {
  if (beside?.isNew && !(await holdsAnything(db))) await unlink(beside.path);
}

/** 32 bytes from base64 (either alphabet, padded or not) or hex; undefined from anything else. */
export function decodeKey(text: string): Uint8Array | undefined {
  const trimmed = text.trim();
  if (/^[\da-f]{64}$/i.test(trimmed)) return new Uint8Array(Buffer.from(trimmed, 'hex'));
  if (!/^[\w+/-]{43}=?$/.test(trimmed)) return undefined;
  return new Uint8Array(Buffer.from(trimmed, 'base64'));
}

/**
 * Keys from a text: newest first, with commas or white space between them, and in lines that may be comments. What is
 * wrong with it, to follow what it is, where it is something else; without what stands in it.
 */
export function decodeKeys(text: string): readonly Uint8Array[] | string {
  const lines = text.split('\n').map((line) => line.replace(/^\s*#.*/, ''));
  const words = lines.flatMap((line, i) =>
    line
      .split(/[\s,]+/)
      .filter((word) => word !== '')
      .map((word) => ({ word, line: i + 1 })),
  );
  if (words.length === 0) return 'holds no key';
  const keys = new Map<string, Uint8Array>();
  for (const { word, line } of words) {
    const key = decodeKey(word);
    const where = lines.length > 1 ? `in line ${line} ` : '';
    if (key === undefined && words.length === 1) return 'holds no key';
    if (key === undefined) return `holds ${where}something that is no key`;
    const id = sealKeyId(key);
    if (keys.has(id)) return `holds ${where}the key ${id} a second time`;
    keys.set(id, key);
  }
  if (keys.size > KEYS_MAX) return `holds ${keys.size} keys, and there can be ${KEYS_MAX}`;
  return [...keys.values()];
}

/** The keys in a file; undefined where there is none. Rejects with FAILED_PRECONDITION where it has something else. */
export async function readKey(path: string): Promise<SecretsKey | undefined> {
  let content: string;
  let mode: number;
  try {
    content = await readFile(path, 'utf8');
    mode = (await stat(path)).mode;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw unusable(`the key file ${path} cannot be read: ${messageOf(error)}`);
  }
  const keys = decodeKeys(content);
  if (typeof keys === 'string') throw unusable(`the key file ${path} ${keys}; it must be ${KEY_ALLOWED}`);
  if ((mode & 0o077) === 0 || process.platform === 'win32') return { keys, path };
  return { keys, path, warning: `the key file ${path} can be read by other users; chmod 600 it` };
}

async function holdsAnything(path: string): Promise<boolean> {
  try {
    return (await stat(path)).size > 0;
  } catch {
    return false;
  }
}

/**
 * Makes the file at once and whole: written under another name, then linked, which fails when the
 * name is taken. A crash between leaves no half a key, and two first starts leave one key.
 */
async function makeKey(path: string, random: Random): Promise<void> {
  try {
    const key = Buffer.from(random.bytes(SEALING_KEY_BYTES)).toString('base64');
    const draft = await writeDraft(path, `${key}\n`, random);
    try {
      await link(draft, path);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    } finally {
      await unlink(draft);
    }
    await syncFolder(dirname(path));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') {
      throw unusable(`there is no folder ${dirname(path)}; make it, or give another place with --db`);
    }
    throw unusable(`the key file ${path} cannot be made: ${messageOf(error)}`);
  }
}

/** Writes a new file beside `path`, which only its owner can read, and returns its path. No half of one is left. */
export async function writeDraft(path: string, text: string, random: Random): Promise<string> {
  const draft = `${path}.${Buffer.from(random.bytes(6)).toString('hex')}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } catch (error) {
    await unlink(draft).catch(() => {});
    throw error;
  } finally {
    await file.close();
  }
  return draft;
}

/** The name is on disk only when its folder is. Windows can neither open a folder nor needs it. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function unusable(message: string): DomainError {
  return new DomainError('SECRETS_KEY_UNUSABLE', message);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
