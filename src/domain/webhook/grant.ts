import type { DestinationTls } from './destination-tls.ts';
import type { OAuth2 } from './oauth2.ts';

/** What a webhook gets its tokens with. */
export interface Grant {
  readonly webhookId: string;
  readonly oauth2: OAuth2;
  /** How TLS is spoken with the token endpoint; undefined where it is as with others. */
  readonly tls?: DestinationTls;
}

/** What tokens for a destination are got with. How TLS is spoken there goes for a token endpoint of the same origin too. */
export function grantOf(
  oauth2: OAuth2,
  webhookId: string,
  destination: string,
  tls: DestinationTls | undefined,
): Grant {
  const isThere = tls !== undefined && new URL(oauth2.tokenUrl).origin === new URL(destination).origin;
  return { webhookId, oauth2, ...(isThere && { tls }) };
}
