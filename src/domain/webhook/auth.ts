import type { FieldViolation } from '../error.ts';
import { headerValueFault } from '../event/header-rules.ts';
import { type OAuth2Of, oauth2Faults } from './oauth2.ts';
import { MASK } from './secret-headers.ts';
import type { SecretMark } from './secret-mark.ts';

/** How a webhook is let in by its destination; `Secret` is what stands for a value that is secret. */
export type AuthOf<Secret> =
  | { readonly kind: 'basic'; readonly username: string; readonly secret: Secret }
  | { readonly kind: 'bearer'; readonly secret: Secret }
  | OAuth2Of<Secret>;

/** In the clear. */
export type Auth = AuthOf<string>;
/** As a caller asks for it; undefined stands for a value that the webhook has already. */
export type AskedAuth = AuthOf<string | undefined>;
/** As everybody may see it. */
export type MarkedAuth = AuthOf<SecretMark>;

/** The name of the secret value, in the proto file and in messages. */
export const SECRET_OF = {
  basic: 'password',
  bearer: 'token',
  oauth2: 'client_secret',
} as const satisfies Record<Auth['kind'], string>;

/** The value of the header `authorization`; `***` in place of one for which a token has to be got. */
export function authorizationOf(auth: Auth): string {
  switch (auth.kind) {
    case 'basic':
      // RFC 7617, 2.1: in UTF-8, which servers that say a charset ask for.
      return `Basic ${Buffer.from(`${auth.username}:${auth.secret}`).toString('base64')}`;
    case 'bearer':
      return `Bearer ${auth.secret}`;
    case 'oauth2':
      return MASK;
    default:
      return auth satisfies never;
  }
}

/** What is wrong with it, by fields within it, in sentences without the secret. */
export function authFaults(auth: Auth): FieldViolation[] {
  const secret = `${auth.kind}.${SECRET_OF[auth.kind]}.value`;
  const faults: FieldViolation[] = [];
  switch (auth.kind) {
    case 'basic':
      if (/[:\p{Cc}]/u.test(auth.username)) {
        const description = 'must not contain a colon or a control character (RFC 7617)';
        faults.push({ field: 'basic.username', description });
      }
      if (/\p{Cc}/u.test(auth.secret)) {
        const description =
          'must not contain a control character (RFC 7617), such as a line break at its end';
        faults.push({ field: secret, description });
      }
      break;
    case 'bearer':
      if (!/^[\x21-\x7e]*$/.test(auth.secret)) {
        const description =
          'must be of visible ASCII characters: remove spaces and line breaks, and leave out Bearer';
        faults.push({ field: secret, description });
      }
      break;
    case 'oauth2':
      return oauth2Faults(auth);
    default:
      return auth satisfies never;
  }
  if (faults.length > 0) return faults;
  const description = headerValueFault(authorizationOf(auth));
  return description === undefined ? [] : [{ field: secret, description }];
}
