import { REMEMBERED_MS } from '../domain/claim.ts';
import type { Clock } from '../domain/clock.ts';
import { DomainError, invalid } from '../domain/error.ts';
import type { Random } from '../domain/random.ts';
import { newestKey, sealKeyId } from '../domain/seal.ts';
import type { SealKeyring } from '../domain/seal-keys.ts';
import { quote } from '../domain/text.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';
import type { KeyRotation, KeySource, SealRotationStatus } from './key-rotation.ts';
import { createResealing } from './resealing.ts';
import { type SealedStore, type Step, type Walker, walkersOf } from './sealed-kinds.ts';
import { createSealingStore } from './sealing-store.ts';

export interface SealRotation extends KeyRotation {
  /** The store to write to. */
  readonly store: Store;
  /** Notes the keys before anything is sealed, and goes on where everything was to be sealed anew. */
  begin(): Promise<void>;
  /** Has this called when there is something to do for `tick`. */
  onBegin(listener: () => void): void;
  /** One step. */
  tick(): Promise<void>;
  idleMs(): number;
}

export interface SealRotationDeps {
  readonly store: Store;
  readonly keyring: SealKeyring;
  readonly source: KeySource;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly random: Random;
  readonly log: Log;
}

const REST_MS_MAX = 1_000;
/** Before everything is looked at once more. */
const BETWEEN_PASSES_MS = 100;
/** Nothing wakes it but `rotate`. */
const IDLE_MS = 60_000;
/** A call that began before the key was replaced may be claimed after it. */
const CLAIM_LATE_MS = 60_000;

interface Pass {
  readonly walkers: Walker[];
  readonly isFirst: boolean;
  looked: number;
  /** What was found in it that an older key sealed. */
  found: number;
}

/**
 * Opens what rotates the keys by which secrets are sealed. Raises FAILED_PRECONDITION where one of them is missing, with
 * its id and what it sealed.
 */
export async function openSealRotation(deps: SealRotationDeps): Promise<SealRotation> {
  const { store, keyring, source, clock, random, log } = deps;
  const resealing = createResealing({ sealKey: keyring, random });
  const writes = createSealingStore(store, keyring, resealing);
  let uses = await store.listSealKeys();
  let pass: Pass | undefined;
  let counts = { checked: 0, total: 0, resealed: 0, unreadable: 0 };
  let knownUntil: number | undefined;
  /** Whether this server went through everything: what one before it found in its last round is not known. */
  let hasLooked = false;
  /** How long the last step took. */
  let tookMs = 0;
  let wake = () => {};
  let replacing: Promise<unknown> = Promise.resolve();

  const newestId = () => sealKeyId(newestKey(keyring));
  const useOf = (id: string) => uses.find((use) => use.id === id);
  const isRunning = () => uses.some(({ id }) => id !== newestId());
  const startedAt = () => useOf(newestId())?.usedAt ?? clock.now();

  await checkNoneMissing();

  async function checkNoneMissing(): Promise<void> {
    const given = keyring.all.map(sealKeyId);
    const missing = uses.map(({ id }) => id).filter((id) => !given.includes(id));
    if (missing.length === 0) return;
    const used = await firstUse(store, missing);
    // Nothing has it any more: what forgets it was broken off.
    if (used === undefined) return;
    throw new DomainError(
      'SECRETS_KEY_UNUSABLE',
      `the key ${used.keyId} is missing: ${used.name} was sealed with it, and perhaps more, and ${source.place} has ` +
        `${given.join(', ')}; start Carillon with the key that it was sealed with, or ${source.howToAdd}`,
    );
  }

  async function note(keys: readonly Uint8Array[]): Promise<void> {
    const now = clock.now();
    const ids = keys.map(sealKeyId).filter((id) => useOf(id) === undefined);
    if (ids.length === 0) return;
    await store.noteSealKeys(ids.map((id) => ({ id, usedAt: now })));
    uses = await store.listSealKeys();
  }

  async function replace(keyId: string): Promise<SealRotationStatus> {
    const ids = keyring.all.map(sealKeyId);
    if (!ids.includes(keyId)) {
      throw invalid('key_id', `${quote(keyId)} is no key of this server, which seals with ${newestId()}`);
    }
    if (keyId !== newestId() || isRunning()) return status();
    const keys = await source.replace(keyring.all);
    await note(keys.slice(0, 1));
    keyring.replace(keys);
    restart();
    const message = `the key ${newestId()} seals from now on, and everything that ${keyId} sealed is sealed anew`;
    log.info({ keyId: newestId(), olderKeyId: keyId }, message);
    wake();
    return status();
  }

  function restart(): void {
    pass = undefined;
    counts = { checked: 0, total: 0, resealed: 0, unreadable: 0 };
    knownUntil = undefined;
    hasLooked = false;
  }

  async function nextPass(isFirst: boolean): Promise<Pass> {
    if (isFirst) counts.total = await store.countSealable();
    knownUntil = undefined;
    // What was sealed before is on its way: it has to be found.
    await writes.quiet();
    return { walkers: walkersOf(store, resealing, noteRequest), isFirst, looked: 0, found: 0 };
  }

  function noteRequest({ claimedAt, until }: { readonly claimedAt: number; readonly until: number }): void {
    if (claimedAt < startedAt() + CLAIM_LATE_MS) knownUntil = Math.max(knownUntil ?? 0, until);
  }

  async function tick(): Promise<void> {
    if (!isRunning()) return;
    const begun = clock.monotonic();
    await step();
    tookMs = clock.monotonic() - begun;
  }

  async function step(): Promise<void> {
    pass ??= await nextPass(true);
    const [walker] = pass.walkers;
    const part = await walker?.reseal();
    if (part !== undefined) count(pass, part);
    else if (walker !== undefined) pass.walkers.shift();
    else if (pass.found > 0) pass = await nextPass(false);
    else await finish();
  }

  function count(current: Pass, { looked, resealed, stale, unreadable }: Step): void {
    current.looked += looked;
    current.found += resealed + stale;
    counts.resealed += resealed;
    if (!current.isFirst) return;
    counts.checked += looked;
    counts.unreadable += unreadable.length;
    for (const what of unreadable) log.warn({}, `${what} cannot be opened, and is not sealed anew`);
  }

  async function finish(): Promise<void> {
    const id = newestId();
    await store.keepSealKey({ id, aloneAt: clock.now() });
    uses = await store.listSealKeys();
    pass = undefined;
    hasLooked = true;
    const { resealed, unreadable } = counts;
    const fields = { keyId: id, olderKeyIds: status().olderKeyIds, resealed, unreadable };
    log.info(fields, `everything is sealed with the key ${id} now${surplus()}`);
    if (await store.emptyLog()) return;
    log.warn({}, 'the log of the database still has what was sealed before, since somebody reads it');
  }

  /** That older keys can go, to follow what was said; nothing where there is none. */
  function surplus(): string {
    const { olderKeyIds: older, olderKnownUntil } = status();
    if (older.length === 0) return '';
    const [those, it] =
      older.length === 1 ? [`the key ${older[0]}`, 'it'] : [`the keys ${older.join(', ')}`, 'them'];
    const when =
      olderKnownUntil === undefined
        ? ''
        : ` from ${new Date(olderKnownUntil).toISOString()} on (until then calls with a request_id that were made before are recognised by ${it})`;
    return `; ${those} can be taken out of ${source.place}${when}, and backups that were made before still need ${it}`;
  }

  function status(): SealRotationStatus {
    const keyId = newestId();
    const endedAt = useOf(keyId)?.aloneAt;
    const olderKeyIds = keyring.all.map(sealKeyId).filter((id) => id !== keyId);
    const known = hasLooked ? (knownUntil ?? 0) : startedAt() + REMEMBERED_MS;
    return {
      isRunning: isRunning(),
      keyId,
      olderKeyIds,
      place: source.place,
      ...counts,
      startedAt: startedAt(),
      ...(endedAt !== undefined && { endedAt }),
      ...(olderKeyIds.length > 0 && known > clock.now() && { olderKnownUntil: known }),
    };
  }

  return {
    store: writes.store,
    async begin() {
      // Which keys sealed what in a database of before is not known.
      await note(uses.length === 0 ? keyring.all : keyring.all.slice(0, 1));
      if (isRunning()) {
        log.info({ keyId: newestId() }, `what other keys sealed is sealed anew with the key ${newestId()}`);
      } else if (keyring.all.length > 1) {
        log.info({ keyId: newestId() }, `everything is sealed with the key ${newestId()}${surplus()}`);
      }
    },
    status,
    rotate(keyId) {
      const replaced = replacing.catch(() => {}).then(() => replace(keyId));
      replacing = replaced;
      return replaced;
    },
    onBegin(listener) {
      wake = listener;
    },
    tick,
    idleMs() {
      if (!isRunning()) return IDLE_MS;
      // Others have the database for as long as this had it.
      return pass?.isFirst === false && pass.looked === 0 ? BETWEEN_PASSES_MS : Math.min(tookMs, REST_MS_MAX);
    },
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** The first thing that is found to be sealed by one of these keys. */
async function firstUse(store: SealedStore, keyIds: readonly string[]) {
  const untouched = { webhook: same, namespaceKey: same, request: same };
  for (const walker of walkersOf(store, untouched, () => {})) {
    for (;;) {
      const found = await walker.find(keyIds);
      if (found === undefined) break;
      if (found !== 'NONE') return found;
    }
  }
  return undefined;
}

function same<T>(value: T): T {
  return value;
}
