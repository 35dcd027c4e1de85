import { isOurs } from '../../domain/delivery/attempt.ts';
import { type AccessToken, readToken } from '../../domain/webhook/access-token.ts';
import { calledBy } from '../../domain/webhook/destination.ts';
import type { Grant } from '../../domain/webhook/grant.ts';
import { type OAuth2, tokenRequestOf } from '../../domain/webhook/oauth2.ts';
import { SendFailure } from '../failure.ts';
import type { Sender } from '../sender.ts';

/**
 * Asks a token endpoint for a token. It is called as destinations are: judged at each connection, through the egress
 * proxy, without following redirects, with bounds on time and answer. It never rejects.
 */
export type AskForToken = (grant: Grant) => Promise<AccessToken | SendFailure>;

export interface AskDeps {
  readonly sender: Pick<Sender, 'send'>;
  /** `Carillon/<version>`. */
  readonly userAgent: string;
}

/** From the call to the last byte of the answer. An attempt may have less time: it does not wait for the end then. */
const ASK_TIMEOUT_MS = 10_000;

export function createAsk({ sender, userAgent }: AskDeps): AskForToken {
  return async ({ oauth2, tls }) => {
    const { headers, body } = tokenRequestOf(oauth2);
    headers.push('user-agent', userAgent, 'accept-encoding', 'identity');
    const outcome = await sender.send({
      destination: oauth2.tokenUrl,
      headers,
      body,
      ...(tls !== undefined && { tls }),
      timeoutMs: ASK_TIMEOUT_MS,
    });
    if (outcome.kind === 'failed') {
      const { errorClass, message } = outcome;
      // What is trouble of our own stays that.
      return new SendFailure(isOurs(outcome) ? errorClass : 'OAUTH', `no token: ${message}`);
    }
    const token = readToken(outcome, oauth2);
    return 'fault' in token
      ? new SendFailure('OAUTH', `no token from ${endpointOf(oauth2)}: ${token.fault}`)
      : token;
  };
}

/** The host and port of a token endpoint as a person would write them. */
export function endpointOf({ tokenUrl }: Pick<OAuth2, 'tokenUrl'>): string {
  const url = new URL(tokenUrl);
  return `${url.hostname}:${calledBy(url).port}`;
}
