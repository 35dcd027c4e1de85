import type { FieldViolation } from '../error.ts';
import { headerValueFault } from '../event/header-rules.ts';
import { quote } from '../text.ts';

/** How a client shows an authorization server who it is (RFC 6749, 2.3.1). */
export type ClientAuthentication = 'BASIC' | 'POST';

/** What tokens are got with by client credentials (RFC 6749, 4.4); `Secret` is what stands for the client's secret. */
export interface OAuth2Of<Secret> {
  readonly kind: 'oauth2';
  /** As its owner wrote it. */
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly secret: Secret;
  readonly scopes: readonly string[];
  /** What else the server wants to be told, by names of its own. */
  readonly parameters: Readonly<Record<string, string>>;
  /** BASIC when undefined. */
  readonly clientAuthentication?: ClientAuthentication;
  /** How long a token is good of which the server does not say so. */
  readonly tokenLifetimeMs?: number;
}

/** In the clear. */
export type OAuth2 = OAuth2Of<string>;

/** What is wrong with it, by fields within auth, in sentences without the secret. Its URL is judged as destinations are. */
export function oauth2Faults({
  clientId,
  secret,
  scopes,
  parameters,
  clientAuthentication,
}: OAuth2): FieldViolation[] {
  const faults: FieldViolation[] = [];
  const note = (field: string, description: string) => faults.push({ field: `oauth2.${field}`, description });
  if (/\p{Cc}/u.test(clientId)) note('client_id', CONTROLS);
  if (/\p{Cc}/u.test(secret)) note('client_secret.value', CONTROLS);
  for (const [i, scope] of scopes.entries()) {
    if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)) note(`scopes[${i}]`, SCOPE);
  }
  for (const name of Object.keys(parameters)) {
    const description = parameterFault(name);
    if (description !== undefined) note(`parameters[${quote(name)}]`, description);
  }
  if (faults.length > 0 || clientAuthentication === 'POST') return faults;
  const description = headerValueFault(basicOf(clientId, secret));
  if (description !== undefined) {
    note(
      'client_secret.value',
      `${description}, with client_id and encoded; or use client_authentication POST`,
    );
  }
  return faults;
}

/** What a token endpoint is asked (RFC 6749, 4.4.2): headers, names in lower case and values in turn, and the body. */
export function tokenRequestOf({
  clientId,
  secret,
  scopes,
  parameters,
  clientAuthentication = 'BASIC',
}: OAuth2): { readonly headers: string[]; readonly body: Uint8Array } {
  const form = new URLSearchParams(parameters);
  form.set('grant_type', 'client_credentials');
  if (scopes.length > 0) form.set('scope', scopes.join(' '));
  const headers = ['content-type', 'application/x-www-form-urlencoded', 'accept', 'application/json'];
  if (clientAuthentication === 'BASIC') {
    headers.push('authorization', basicOf(clientId, secret));
  } else {
    form.set('client_id', clientId);
    form.set('client_secret', secret);
  }
  return { headers, body: Buffer.from(form.toString()) };
}

/** What of a request for a token is secret, in each form that an answer could repeat it in. */
export function secretFormsOf({ clientId, secret }: OAuth2): readonly string[] {
  const basic = basicOf(clientId, secret);
  return [secret, encoded(secret), encodeURIComponent(secret), basic.slice(basic.indexOf(' ') + 1)];
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const CONTROLS = 'must not contain a control character, such as a line break at its end';
const SCOPE =
  'must be one scope: visible ASCII characters without double quotes, backslashes and spaces (RFC 6749, 3.3)';

const MADE: ReadonlySet<string> = new Set(['grant_type', 'client_id', 'client_secret', 'scope']);

function parameterFault(name: string): string | undefined {
  if (MADE.has(name)) return 'is made of the other fields of oauth2: leave it out';
  return /secret|password|assertion|refresh_token/i.test(name)
    ? 'would be shown in answers: nothing but client_secret is kept secret'
    : undefined;
}

/** Id and secret are form-encoded before they are joined (RFC 6749, 2.3.1), so the id may have a colon. */
function basicOf(clientId: string, secret: string): string {
  return `Basic ${Buffer.from(`${encoded(clientId)}:${encoded(secret)}`).toString('base64')}`;
}

/** By the rules of application/x-www-form-urlencoded (RFC 6749, appendix B). */
function encoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
