import type { Webhook } from '../../../../gen/carillon/v1/webhook_pb.ts';
import type { Connection } from '../connect.ts';
import { exactly } from '../filter.ts';

/** The label that says which set of files a webhook comes from. Files do not have it: `--owner` sets it. */
export const OWNER_LABEL = 'carillon.dev/applied-by';

const PAGE_SIZE = 1000;

/** Every webhook of a namespace for which a filter is true, oldest first. */
export async function allWebhooks(
  { webhooks }: Pick<Connection, 'webhooks'>,
  chosen: { readonly namespace: string; readonly filter: string },
): Promise<Webhook[]> {
  const found: Webhook[] = [];
  let pageToken = '';
  do {
    const page = await webhooks.list({ ...chosen, pageSize: PAGE_SIZE, pageToken });
    found.push(...page.webhooks);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return found;
}

/** Every webhook of a set. */
export function ownedBy(
  connection: Pick<Connection, 'webhooks'>,
  namespace: string,
  owner: string,
): Promise<Webhook[]> {
  return allWebhooks(connection, { namespace, filter: `labels.${exactly(OWNER_LABEL)} = ${exactly(owner)}` });
}
