import type { Webhook } from '../../../../gen/carillon/v1/webhook_pb.ts';
import type { Connection } from '../connect.ts';

/** The label that says which set of files a webhook comes from. Files do not have it: `--owner` sets it. */
export const OWNER_LABEL = 'carillon.dev/applied-by';

/** What List chooses webhooks by. */
export interface Chosen {
  readonly namespace: string;
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

const PAGE_SIZE = 1000;

/** Every webhook that is chosen, oldest first. */
export async function allWebhooks(
  { webhooks }: Pick<Connection, 'webhooks'>,
  chosen: Chosen,
): Promise<Webhook[]> {
  const found: Webhook[] = [];
  let pageToken = '';
  do {
    const page = await webhooks.list({
      namespace: chosen.namespace,
      name: chosen.name ?? '',
      labels: { ...chosen.labels },
      pageSize: PAGE_SIZE,
      pageToken,
    });
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
  return allWebhooks(connection, { namespace, labels: { [OWNER_LABEL]: owner } });
}
