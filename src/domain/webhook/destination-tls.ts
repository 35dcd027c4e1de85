import { createHash } from 'node:crypto';
import type { Credentials } from './credentials.ts';
import type { Webhook } from './webhook.ts';

/** How TLS is spoken with the destination of a webhook, as connections need it: in the clear. */
export interface DestinationTls {
  /** The webhook: connections that were opened for one serve no other. */
  readonly owner: string;
  /** Another for each other content and owner. It says nothing of the key. */
  readonly id: string;
  readonly clientCertificate?: string;
  readonly privateKey?: string;
  readonly caBundle?: string;
  readonly unverified: boolean;
}

/** How TLS is spoken for a webhook; undefined where it is as for everybody. */
export function destinationTls(
  { id: owner, effective }: Pick<Webhook, 'id' | 'effective'>,
  { tls: secret }: Credentials,
): DestinationTls | undefined {
  if (effective.tls === undefined) return undefined;
  const { clientCertificate, caBundle, unverified = false } = effective.tls;
  const key = secret?.privateKey;
  const content = [owner, clientCertificate ?? '', key ?? '', caBundle ?? '', unverified];
  return {
    owner,
    id: createHash('sha256').update(JSON.stringify(content)).digest('base64url'),
    ...(clientCertificate !== undefined && { clientCertificate }),
    ...(key !== undefined && { privateKey: key }),
    ...(caBundle !== undefined && { caBundle }),
    unverified,
  };
}
