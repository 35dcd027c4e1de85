import { isUtf8 } from 'node:buffer';
import { Webhook } from 'standardwebhooks';
import type { ReceivedRequest } from './receiver.ts';

type PlainVerify = (
  secret: string,
  id: string,
  timestamp: string,
  signatures: string,
  body: Uint8Array,
) => void;

/** What the docs show for any bytes. It is JavaScript, so its types are said here. */
const { verify } = (await import(
  new URL('../../examples/verify/node/plain.mjs', import.meta.url).href
)) as unknown as { readonly verify: PlainVerify };

/**
 * Raises an error unless a request was signed with this secret, as the library of Standard Webhooks judges.
 * That library takes text, so other bytes are judged by what the docs show for them.
 */
export function assertGenuine({ headers, body }: ReceivedRequest, secret: string): void {
  const [id, timestamp, signatures] = NAMES.map((name) => String(headers[name]));
  if (isUtf8(body)) {
    const given = { [NAMES[0]]: id!, [NAMES[1]]: timestamp!, [NAMES[2]]: signatures! };
    new Webhook(secret).verify(body, given, { jsonParse: false });
  } else {
    verify(secret, id!, timestamp!, signatures!, body);
  }
}

const NAMES = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;
