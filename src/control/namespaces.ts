import {
  type AskedQuotas,
  changedInNamespace,
  effectiveQuotas,
  NAMESPACES_MAX,
  type Namespace,
  type NamespaceState,
  namespaceNameFault,
  type Quotas,
  type Usage,
} from '../domain/access/namespace.ts';
import { quotaViolations } from '../domain/access/quota-rules.ts';
import { checkIsThere, checkRings, isDeleting } from '../domain/access/standing.ts';
import { aborted, alreadyExists, DomainError, failedPrecondition, notFound } from '../domain/error.ts';
import { noProblems, type Problems } from '../domain/problems.ts';
import { etagOf } from '../domain/webhook/etag.ts';
import { DEFAULT_NAMESPACE } from '../domain/webhook/webhook.ts';
import { TRIES_MAX } from './change.ts';
import type { Needs } from './deps.ts';
import type { Read } from './list.ts';

export type NamespaceDeps = Needs<
  'createNamespaces' | 'updateNamespaces' | 'getNamespaces' | 'listNamespaces' | 'namespaceUsage',
  'clock' | 'namespaces' | 'settings'
>;

/** A namespace that a caller names, and the etag that it must have; empty for any. */
export interface NamespaceTarget {
  readonly name: string;
  readonly etag: string;
}

/** A namespace, and how much it has. */
export interface ShownNamespace {
  readonly namespace: Namespace;
  /** What applies. */
  readonly effective: Quotas;
  readonly usage: Usage;
}

/** What changes whenever a namespace is changed (AIP-154); another of the same name has others. */
export function namespaceEtag({ name, createdAt, version }: Namespace): string {
  return etagOf({ id: `${name}@${createdAt}`, version });
}

export function createNamespaces(deps: NamespaceDeps) {
  const { store, clock, namespaces } = deps;
  const defaults = { waitingMax: deps.settings.namespaceWaitingMax };

  /** Raises NOT_FOUND. One that is being deleted is found. */
  async function read(name: string): Promise<Namespace> {
    const [found] = await store.getNamespaces([name]);
    if (found === undefined) throw notFound('Namespace', name);
    return found;
  }

  async function shown(namespace: Namespace): Promise<ShownNamespace> {
    const [usage] = await store.namespaceUsage([namespace.name]);
    return showing(namespace, usage!);
  }

  function showing(namespace: Namespace, usage: Usage): ShownNamespace {
    return { namespace, effective: effectiveQuotas(namespace.quotas, defaults), usage };
  }

  /** Reads it, lets `change` say what it shall be (undefined: it is that already), and writes it unless it changed. */
  async function change(
    { name, etag }: NamespaceTarget,
    become: (found: Namespace) => Promise<Namespace | undefined> | Namespace | undefined,
  ): Promise<ShownNamespace> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const found = await read(name);
      checkEtag(found, etag);
      const wanted = await become(found);
      if (wanted === undefined) return shown(found);
      const namespace = { ...wanted, version: found.version + 1, updatedAt: clock.now() };
      const changed = changedInNamespace(found, namespace);
      const [result] = await store.updateNamespaces([{ namespace, ifVersion: found.version, changed }]);
      if (result === 'UPDATED') return shown(namespace);
    }
    const description = `was changed by others ${TRIES_MAX} times in a row; try again`;
    throw aborted('CONTENDED', { type: 'Namespace', id: name, description });
  }

  function toState(target: NamespaceTarget, state: NamespaceState): Promise<ShownNamespace> {
    return change(target, (found) => {
      if (found.state === 'DELETING') throw isDeleting(found.name);
      return found.state === state ? undefined : { ...found, state };
    });
  }

  return {
    /**
     * Makes a namespace. Raises INVALID, ALREADY_EXISTS, FAILED_PRECONDITION while one of the name is being deleted, and
     * EXHAUSTED where there are as many as there may be.
     */
    async create(name: string, quotas: AskedQuotas, problems = noProblems()): Promise<ShownNamespace> {
      const fault = namespaceNameFault(name);
      if (fault !== undefined) problems.add('name', fault);
      problems.raise();
      const now = clock.now();
      const namespace: Namespace = {
        name,
        state: 'ACTIVE',
        quotas,
        createdAt: now,
        updatedAt: now,
        version: 1,
      };
      const [result] = await store.createNamespaces([namespace]);
      switch (result) {
        case 'CREATED':
          return shown(namespace);
        case 'EXISTS':
          throw (await read(name)).state === 'DELETING'
            ? isDeleting(name)
            : alreadyExists('Namespace', name, `there is a namespace ${name} already; give another name`);
        case 'FULL':
          throw tooMany();
        case undefined:
          throw new Error('the store left a namespace unanswered');
        default:
          return result satisfies never;
      }
    },

    /** Raises NOT_FOUND. One that is being deleted is found. */
    async get(name: string): Promise<ShownNamespace> {
      return shown(await read(name));
    },

    /** Namespaces by name. */
    list(): Read<ShownNamespace> {
      return async (from, limit) => {
        const found = await store.listNamespaces({ limit, ...(from !== undefined && { after: from }) });
        const usage = await store.namespaceUsage(found.map(({ name }) => name));
        const rows = found.map((namespace, i) => showing(namespace, usage[i]!));
        return { rows, next: rows.length < limit ? null : found.at(-1)!.name, looked: rows.length };
      };
    },

    /**
     * Changes quotas. Raises INVALID for one that is below what there is, so that nothing is lost by it, NOT_FOUND,
     * ABORTED, and FAILED_PRECONDITION for one that is being deleted.
     */
    update(
      target: NamespaceTarget,
      revise: (found: AskedQuotas) => AskedQuotas,
      problems: Problems,
    ): Promise<ShownNamespace> {
      return change(target, async (found) => {
        if (found.state === 'DELETING') throw isDeleting(found.name);
        const quotas = revise(found.quotas);
        const [usage] = await store.namespaceUsage([found.name]);
        problems.addAll(quotaViolations(quotas, found.quotas, usage!));
        problems.raise();
        return { ...found, quotas };
      });
    },

    /** Nothing rings in it from then on, and nothing new is taken that would. Raises what `change` raises. */
    suspend: (target: NamespaceTarget) => toState(target, 'SUSPENDED'),

    /** What waits in it goes out. Raises what `change` raises. */
    resume: (target: NamespaceTarget) => toState(target, 'ACTIVE'),

    /**
     * Deletes a namespace with all that it owns. It stops at once; what it owns goes in the background, and its name is
     * free when that is done. Raises FAILED_PRECONDITION for `default`, and for one that has webhooks unless it is
     * forced.
     */
    delete(target: NamespaceTarget, force: boolean): Promise<ShownNamespace> {
      return change(target, async (found) => {
        if (found.name === DEFAULT_NAMESPACE) throw isDefault();
        if (found.state === 'DELETING') return undefined;
        const [usage] = await store.namespaceUsage([found.name]);
        if (!force && usage!.webhooks > 0) throw hasWebhooks(found.name, usage!.webhooks);
        return { ...found, state: 'DELETING' };
      });
    },

    /** Raises NOT_FOUND, and FAILED_PRECONDITION for one that is being deleted. Nothing is awaited where it is known. */
    checkIsThere(name: string): void | Promise<void> {
      const known = namespaces.peek(name);
      if (known !== undefined) return checkIsThere(name, known);
      return namespaces.load([name]).then(([found]) => checkIsThere(name, found));
    },
  };
}

/** Raises as `checkRings` does, before something rings in a namespace. */
export async function checkMayRing({ namespaces }: Needs<never, 'namespaces'>, name: string): Promise<void> {
  const [found] = await namespaces.load([name]);
  checkRings(name, found);
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function checkEtag(namespace: Namespace, etag: string): void {
  if (etag === '' || etag === namespaceEtag(namespace)) return;
  throw aborted('ETAG_MISMATCH', {
    type: 'Namespace',
    id: namespace.name,
    description: `does not have the etag ${JSON.stringify(etag)} now; get it again, and repeat the change with the one that it has`,
  });
}

function tooMany(): DomainError {
  const message = `there are ${NAMESPACES_MAX} namespaces already; delete some that nobody needs`;
  return new DomainError('TOO_MANY_NAMESPACES', message, { metadata: { max: NAMESPACES_MAX } });
}

function isDefault(): DomainError {
  return failedPrecondition('NAMESPACE_PERMANENT', {
    type: 'Namespace',
    id: DEFAULT_NAMESPACE,
    description: 'is that of callers who name none, and cannot be deleted; suspend it to stop it',
  });
}

function hasWebhooks(name: string, count: number): DomainError {
  return failedPrecondition('NAMESPACE_NOT_EMPTY', {
    type: 'Namespace',
    id: name,
    description: `has ${count} webhooks; set force to delete them, and all that belongs to them`,
    metadata: { count },
  });
}
