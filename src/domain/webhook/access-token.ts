import { type Outcome, RESPONSE_KEPT_BYTES } from '../delivery/attempt.ts';
import { HEADER_VALUE_LENGTH_MAX } from '../event/header-rules.ts';
import { isMediaType } from '../event/media-type.ts';
import { quote } from '../text.ts';
import { type OAuth2, secretFormsOf } from './oauth2.ts';

/** What an authorization server has given (RFC 6749, 5.1). */
export interface AccessToken {
  readonly value: string;
  /** For how long it is good, from when it was asked for. */
  readonly lifetimeMs: number;
}

/** What is kept of the answer of a token endpoint. */
export type TokenAnswer = Pick<
  Extract<Outcome, { kind: 'answered' }>,
  'status' | 'headers' | 'body' | 'truncated' | 'bodyFault'
>;

/** What goes before the token in the header `authorization`. */
export const BEARER = 'Bearer ';
const TOKEN_LENGTH_MAX = HEADER_VALUE_LENGTH_MAX - BEARER.length;

/** A token is got anew once a day, however long it is said to be good. */
const LIFETIME_MS_MAX = 86_400_000;

/**
 * The token in an answer; or what is wrong with the answer, as a phrase about the endpoint, which repeats no
 * secret: answers are written by others, and some repeat what they were asked.
 */
export function readToken(answer: TokenAnswer, oauth2: OAuth2): AccessToken | { readonly fault: string } {
  const { status, truncated, bodyFault } = answer;
  const json = jsonOf(answer);
  if ((json?.error ?? null) !== null || status < 200 || status > 299)
    return { fault: refusal(status, json, oauth2) };
  if (bodyFault !== undefined) return { fault: `its answer did not come whole: ${bodyFault.message}` };
  if (json === undefined) {
    return {
      fault: truncated
        ? `its answer is longer than ${RESPONSE_KEPT_BYTES} bytes: check token_url`
        : `it answered ${status} with ${typeOf(answer, oauth2)} and no JSON object: check token_url`,
    };
  }
  const value = json.access_token;
  if (typeof value !== 'string' || value === '') return { fault: 'its answer has no access_token' };
  if (!/^[\x21-\x7e]+$/.test(value)) {
    return { fault: 'its access_token has a character that a header cannot carry, such as a line break' };
  }
  if (value.length > TOKEN_LENGTH_MAX) {
    return {
      fault: `its access_token has ${value.length} characters: at most ${TOKEN_LENGTH_MAX} can be sent`,
    };
  }
  const type = json.token_type;
  // RFC 6749, 7.1: nobody can use a token of a type that he does not know. Some servers leave it out.
  if (type !== undefined && type !== null && !/^bearer$/i.test(String(type))) {
    return { fault: `its token_type is ${told(type, oauth2)}, and Carillon sends Bearer only` };
  }
  const lifetimeMs = lifetimeOf(json.expires_in, oauth2);
  return typeof lifetimeMs === 'string' ? { fault: lifetimeMs } : { value, lifetimeMs };
}

/** From this age on the next one is asked for, while this one is still shown. */
export function renewalMs({ lifetimeMs }: Pick<AccessToken, 'lifetimeMs'>): number {
  return lifetimeMs - Math.min(60_000, lifetimeMs / 5);
}

/** From this age on it is not shown any more: it could expire on its way. */
export function shownMs({ lifetimeMs }: Pick<AccessToken, 'lifetimeMs'>): number {
  return lifetimeMs - Math.min(10_000, lifetimeMs / 10);
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

type Json = Readonly<Record<string, unknown>>;

function jsonOf({ body }: TokenAnswer): Json | undefined {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Json) : undefined;
  } catch {
    return undefined;
  }
}

/** What to do about some of the errors of RFC 6749, 5.2. */
const REMEDIES: ReadonlyMap<unknown, string> = new Map([
  ['invalid_client', 'check client_id, client_secret and client_authentication'],
  ['invalid_scope', 'check scopes'],
  ['unauthorized_client', 'allow the client the grant type client_credentials there'],
]);

function refusal(status: number, json: Json | undefined, oauth2: OAuth2): string {
  if (status >= 300 && status <= 399) {
    return `it answered ${status}, and redirects are not followed: check token_url`;
  }
  const { error = null, error_description: description = null } = json ?? {};
  if (error === null) return `it answered ${status}`;
  const words = [told(error, oauth2), ...(description === null ? [] : [told(description, oauth2)])];
  const remedy = REMEDIES.get(error);
  return `it answered ${status} with the error ${words.join(', ')}${remedy === undefined ? '' : `: ${remedy}`}`;
}

/** Words of somebody else: short, and not at all where they have the secret in them. */
function told(words: unknown, oauth2: OAuth2): string {
  if (typeof words !== 'string') return 'something that is no text';
  return secretFormsOf(oauth2).some((form) => words.includes(form)) ? '***' : quote(words, TOLD_LENGTH);
}

const TOLD_LENGTH = 200;

function typeOf({ headers }: TokenAnswer, oauth2: OAuth2): string {
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  return isMediaType(type) ? told(type, oauth2) : 'no content type';
}

/** In milliseconds; or what is wrong with what the answer says of it. */
function lifetimeOf(expiresIn: unknown, { tokenLifetimeMs }: OAuth2): number | string {
  if (expiresIn === undefined || expiresIn === null) {
    return (
      tokenLifetimeMs ??
      'its answer does not say how long the token is good (expires_in): give auth.oauth2.token_lifetime'
    );
  }
  // Some write the number as a text.
  const isNumber =
    typeof expiresIn === 'number' || (typeof expiresIn === 'string' && /^\d+$/.test(expiresIn));
  const seconds = isNumber ? Number(expiresIn) : Number.NaN;
  if (seconds > 0) return Math.min(seconds * 1000, LIFETIME_MS_MAX);
  return 'its expires_in is no number of seconds above 0';
}
