import type { Webhook } from '../../../../gen/carillon/v1/webhook_pb.ts';
import { flagValue } from '../command.ts';
import { type Job, namespaceOf, webhookId } from '../job.ts';
import { webhookCard } from './shown.ts';

/** The webhook that a command names. */
export async function target(job: Job): Promise<{ id: string; namespace: string }> {
  const { invocation } = job;
  return { id: await webhookId(job, invocation.argument ?? ''), namespace: namespaceOf(invocation) };
}

export function etagOf({ invocation }: Job): { etag: string } {
  return { etag: flagValue(invocation, '--etag') ?? '' };
}

export function cardOf(
  { world, paper }: Job,
  webhook: Webhook | undefined,
  { done, secret }: { readonly done?: string; readonly secret?: string } = {},
): string {
  if (webhook === undefined) return '';
  const heading = done === undefined ? '' : `${paper.style.strong(`${done}.`)}\n\n`;
  return heading + webhookCard(webhook, world.now(), paper, { secret });
}
