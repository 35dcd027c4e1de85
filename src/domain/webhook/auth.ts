import { headerValueFault } from '../event/header-rules.ts';
import type { SecretMark } from './secret-mark.ts';

/** How a webhook is let in by its destination; `Secret` is what stands for a value that is secret. */
export type AuthOf<Secret> =
  | { readonly kind: 'basic'; readonly username: string; readonly secret: Secret }
  | { readonly kind: 'bearer'; readonly secret: Secret };

/** In the clear. */
export type Auth = AuthOf<string>;
/** As a caller asks for it; undefined stands for a value that the webhook has already. */
export type AskedAuth = AuthOf<string | undefined>;
/** As everybody may see it. */
export type MarkedAuth = AuthOf<SecretMark>;

/** The name of the secret value, in the proto file and in messages. */
export const SECRET_OF = { basic: 'password', bearer: 'token' } as const satisfies Record<
  Auth['kind'],
  string
>;

/** The value of the header `authorization`. */
export function authorizationOf(auth: Auth): string {
  switch (auth.kind) {
    case 'basic':
      // RFC 7617, 2.1: in UTF-8, which servers that say a charset ask for.
      return `Basic ${Buffer.from(`${auth.username}:${auth.secret}`).toString('base64')}`;
    case 'bearer':
      return `Bearer ${auth.secret}`;
    default:
      return auth satisfies never;
  }
}

/** What is wrong with it: a field within it, and a sentence without the secret; undefined when nothing is. */
export function authFault(auth: Auth): { readonly field: string; readonly description: string } | undefined {
  const secret = `${auth.kind}.${SECRET_OF[auth.kind]}.value`;
  switch (auth.kind) {
    case 'basic':
      if (/[:\p{Cc}]/u.test(auth.username)) {
        return {
          field: 'basic.username',
          description: 'must not contain a colon or a control character (RFC 7617)',
        };
      }
      if (/\p{Cc}/u.test(auth.secret)) {
        return {
          field: secret,
          description: 'must not contain a control character (RFC 7617), such as a line break at its end',
        };
      }
      break;
    case 'bearer':
      if (!/^[\x21-\x7e]*$/.test(auth.secret)) {
        return {
          field: secret,
          description:
            'must be of visible ASCII characters: remove spaces and line breaks, and leave out Bearer',
        };
      }
      break;
    default:
      return auth satisfies never;
  }
  const description = headerValueFault(authorizationOf(auth));
  return description === undefined ? undefined : { field: secret, description };
}
