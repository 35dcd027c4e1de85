import type { OAuth2 } from '../../src/domain/webhook/oauth2.ts';
import { type Answer, openReceiver, type Receiver, status } from './receiver.ts';

/** An authorization server on 127.0.0.1, which gives `token-number-1`, `token-number-2` and so on. */
export interface TokenEndpoint extends Receiver {
  /** Answers as one does that gives a token: the next, or another, good for an hour unless told otherwise. */
  giving(rest?: { token?: string; expiresIn?: unknown; delayMs?: number }): Answer;
  /** The forms that it was sent, as objects, oldest first. */
  forms(): Record<string, string>[];
}

export async function openTokenEndpoint(): Promise<TokenEndpoint> {
  const receiver = await openReceiver();
  let count = 0;
  function giving({ token, expiresIn = 3600, delayMs }: Parameters<TokenEndpoint['giving']>[0] = {}): Answer {
    return (exchange) => {
      const access_token = token ?? `token-number-${++count}`;
      const answer = { access_token, token_type: 'Bearer', expires_in: expiresIn };
      json(answer, { ...(delayMs !== undefined && { delayMs }) })(exchange);
    };
  }
  receiver.answer(giving());
  const forms = () =>
    receiver.requests.map(({ body }) => Object.fromEntries(new URLSearchParams(body.toString())));
  // Not spread: how many connections there were is asked of the receiver.
  return Object.assign(Object.create(receiver) as Receiver, {
    giving,
    forms,
    [Symbol.asyncDispose]: receiver.close,
  });
}

/** An answer in JSON. */
export function json(
  value: unknown,
  { code = 200, delayMs }: { code?: number; delayMs?: number } = {},
): Answer {
  const headers = { 'content-type': 'application/json' };
  return status(code, { headers, body: JSON.stringify(value), ...(delayMs !== undefined && { delayMs }) });
}

export const CLIENT_SECRET = 'the client/secret: of 2026&more';

/** What tokens are got with at an endpoint. */
export function anOAuth2(tokenUrl: string, rest: Partial<OAuth2> = {}): OAuth2 {
  return {
    kind: 'oauth2',
    tokenUrl,
    clientId: 'carillon:eu',
    secret: CLIENT_SECRET,
    scopes: ['events:write', 'events:read'],
    parameters: {},
    ...rest,
  };
}
