import { readFile, realpath, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { KeySource } from '../control/key-rotation.ts';
import { DomainError } from '../domain/error.ts';
import type { Random } from '../domain/random.ts';
import { SEALING_KEY_BYTES, sealKeyId } from '../domain/seal.ts';
import { KEYS_MAX, messageOf, readKey, type SecretsKey, syncFolder, writeDraft } from './secrets-key.ts';

const NEW_KEY = `\`openssl rand -base64 ${SEALING_KEY_BYTES}\``;

/** Where keys that were loaded can be replaced; `given` says that a setting has them. */
export function keySource({ path }: SecretsKey, given: boolean, random: Random): KeySource {
  if (path !== undefined) return fromFile(path, random);
  return given ? FROM_SETTING : inMemory(random);
}

const FROM_SETTING: KeySource = {
  place: '--secrets-key',
  howToAdd: 'give it there too, after a comma',
  async replace() {
    throw notReplaced(
      'the key is given with --secrets-key (CARILLON_SECRETS_KEY), where the server cannot replace it; ' +
        `put a new one from ${NEW_KEY} before it, with a comma between them, and start again: ` +
        'then everything is sealed anew, while the server serves',
    );
  },
};

/** A database in memory: neither outlives the server. */
function inMemory(random: Random): KeySource {
  return {
    place: 'memory',
    howToAdd: 'start anew',
    replace: async (present) => [random.bytes(SEALING_KEY_BYTES), ...present].slice(0, KEYS_MAX),
  };
}

function fromFile(path: string, random: Random): KeySource {
  return {
    place: path,
    howToAdd: `put it into ${path} on a line of its own, below the others`,
    async replace(present) {
      const found = await readKey(path).catch((error: unknown) => {
        throw error instanceof DomainError ? notReplaced(`${error.message}; nothing was changed`) : error;
      });
      if (found === undefined) throw notReplaced(`the key file ${path} is not there any more; put it back`);
      const ids = found.keys.map(sealKeyId);
      const newest = sealKeyId(present[0]!);
      if (!ids.includes(newest)) {
        throw notReplaced(
          `the key file ${path} does not have the key ${newest}, which seals until another takes its place; ` +
            'put it back, on a line below the new one',
        );
      }
      if (ids[0] !== newest) return found.keys;
      if (ids.length >= KEYS_MAX) {
        throw notReplaced(
          `the key file ${path} has ${ids.length} keys already; take out those below ${newest}, which seal nothing any more`,
        );
      }
      const key = random.bytes(SEALING_KEY_BYTES);
      await putFirst(path, key, random);
      return [key, ...found.keys];
    },
  };
}

/** Puts a key above those in a file, at once and whole: a crash leaves the file as it was, or with it. */
async function putFirst(path: string, key: Uint8Array, random: Random): Promise<void> {
  let draft: string | undefined;
  let isThere = false;
  try {
    // What leads to the file goes on leading to it.
    const file = await realpath(path);
    const others = await readFile(file, 'utf8');
    draft = await writeDraft(file, `${Buffer.from(key).toString('base64')}\n${others}`, random);
    await rename(draft, file);
    isThere = true;
    await syncFolder(dirname(file));
  } catch (error) {
    if (isThere) {
      throw notReplaced(
        `the key file ${path} has the new key, and its folder could not be synced: ${messageOf(error)}; ` +
          'leave the file as it is, and call again',
      );
    }
    if (draft !== undefined) await unlink(draft).catch(() => {});
    throw notReplaced(
      `the key file ${path} cannot be written: ${messageOf(error)}; ` +
        `put a new key from ${NEW_KEY} into it yourself, on a line above the others, and call again`,
    );
  }
}

function notReplaced(message: string): DomainError {
  return new DomainError('SEAL_KEY_NOT_REPLACED', message);
}
