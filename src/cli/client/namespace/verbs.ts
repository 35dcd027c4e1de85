import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  CreateNamespaceResponseSchema,
  DeleteNamespaceResponseSchema,
  GetNamespaceResponseSchema,
  ListNamespacesResponseSchema,
  type Namespace,
  type NamespaceQuotasSchema,
  ResumeNamespaceResponseSchema,
  SuspendNamespaceResponseSchema,
  UpdateNamespaceResponseSchema,
} from '../../../../gen/carillon/v1/namespace_pb.ts';
import { flagValue, flagValues, UsageError } from '../command.ts';
import { counted, gather, isYes, type Job, show, tellMore, type Verb, wantsJson } from '../job.ts';
import { table } from '../table.ts';
import { readCount, readNumber, snakeCase } from '../values.ts';
import { namespaceCard, namespaceColumns } from './shown.ts';

/** `carillon namespaces …`. */
export const NAMESPACE_VERBS: Readonly<Record<string, Verb>> = {
  list,
  create: make,
  get,
  update,
  suspend,
  resume,
  delete: remove,
};

async function list(job: Job): Promise<void> {
  const { invocation, connection, paper } = job;
  const found = await gather<Namespace>(invocation, async (pageSize, pageToken) => {
    const page = await connection.admin.listNamespaces({ pageSize, pageToken });
    return { rows: page.namespaces, nextPageToken: page.nextPageToken };
  });
  const answer = create(ListNamespacesResponseSchema, {
    namespaces: [...found.rows],
    nextPageToken: found.nextPageToken,
  });
  show(job, ListNamespacesResponseSchema, answer, () => table(namespaceColumns, found.rows, paper));
  tellMore(job, found);
}

async function make(job: Job): Promise<void> {
  const answer = await job.connection.admin.createNamespace({ name: nameOf(job), quotas: quotasOf(job) });
  show(job, CreateNamespaceResponseSchema, answer, () => cardOf(job, answer.namespace, 'Created'));
}

async function get(job: Job): Promise<void> {
  const answer = await job.connection.admin.getNamespace({ name: nameOf(job) });
  show(job, GetNamespaceResponseSchema, answer, () => cardOf(job, answer.namespace));
}

async function update(job: Job): Promise<void> {
  const quotas = quotasOf(job);
  const unset = flagValues(job.invocation, '--unset').map((name) => name.replaceAll('-', '_'));
  const paths = [...Object.keys(quotas).map(snakeCase), ...unset];
  if (paths.length === 0) throw new UsageError('say what to change, such as --webhooks 100; see --help');
  const request = { ...target(job), quotas, updateMask: { paths } };
  const answer = await job.connection.admin.updateNamespace(request);
  show(job, UpdateNamespaceResponseSchema, answer, () => cardOf(job, answer.namespace, 'Updated'));
}

async function suspend(job: Job): Promise<void> {
  const answer = await job.connection.admin.suspendNamespace(target(job));
  show(job, SuspendNamespaceResponseSchema, answer, () => cardOf(job, answer.namespace, 'Suspended'));
}

async function resume(job: Job): Promise<void> {
  const answer = await job.connection.admin.resumeNamespace(target(job));
  show(job, ResumeNamespaceResponseSchema, answer, () => cardOf(job, answer.namespace, 'Resumed'));
}

async function remove(job: Job): Promise<void> {
  const { connection, world } = job;
  const name = nameOf(job);
  if (!(await isAgreed(job, name))) {
    world.err('carillon: nothing was deleted\n');
    return;
  }
  const answer = await connection.admin.deleteNamespace({ ...target(job), force: true });
  show(
    job,
    DeleteNamespaceResponseSchema,
    answer,
    () =>
      `${name} is being deleted; its name is free when carillon namespaces get ${name} does not find it\n`,
  );
}

/** Asks a person. Raises UsageError where nobody can be asked. */
async function isAgreed({ connection, invocation, world }: Job, name: string): Promise<boolean> {
  if (flagValue(invocation, '--yes') !== undefined) return true;
  const hint = 'give --yes to delete it without asking';
  if (!world.interactive) throw new UsageError(`nobody can be asked without a terminal; ${hint}`);
  if (wantsJson(invocation)) throw new UsageError(`--json does not ask; ${hint}`);
  const { namespace } = await connection.admin.getNamespace({ name });
  const webhooks = counted(Number(namespace?.usage?.webhooks ?? 0n), 'webhook', 'webhooks');
  const waiting = counted(
    Number(namespace?.usage?.waiting ?? 0n),
    'delivery that waits',
    'deliveries that wait',
  );
  const what = `${name} with ${webhooks}, ${waiting}, and all events and deliveries of before`;
  return isYes(await world.ask(`Delete ${what}? There is no way back. [y/N] `));
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const COUNT_MAX = 999_999_999;

function nameOf({ invocation }: Job): string {
  return invocation.argument ?? '';
}

function target(job: Job): { name: string; etag: string } {
  return { name: nameOf(job), etag: flagValue(job.invocation, '--etag') ?? '' };
}

/** Those that are given. */
function quotasOf({ invocation }: Job): MessageInitShape<typeof NamespaceQuotasSchema> {
  const count = (flag: string) => {
    const text = flagValue(invocation, flag);
    return text === undefined ? undefined : readCount(flag, text, COUNT_MAX);
  };
  const [webhooks, waiting, waitingPerWebhook, payloadBytes, burst = 1] = [
    '--webhooks',
    '--waiting',
    '--waiting-per-webhook',
    '--payload-bytes',
    '--publish-burst',
  ].map(count);
  const rate = flagValue(invocation, '--publish-rate');
  if (rate === undefined && invocation.flags.has('--publish-burst')) {
    throw new UsageError('--publish-burst goes with --publish-rate');
  }
  return {
    ...(webhooks !== undefined && { webhooks }),
    ...(waiting !== undefined && { waiting }),
    ...(waitingPerWebhook !== undefined && { waitingPerWebhook }),
    ...(rate !== undefined && { publishRate: { perSecond: readNumber('--publish-rate', rate), burst } }),
    ...(payloadBytes !== undefined && { payloadBytes }),
  };
}

function cardOf({ world, paper }: Job, namespace: Namespace | undefined, done?: string): string {
  if (namespace === undefined) return '';
  const heading = done === undefined ? '' : `${paper.style.strong(`${done}.`)}\n\n`;
  return heading + namespaceCard(namespace, world.now(), paper);
}
