import type { Random } from '../random.ts';
import { type Sealed, type SealKey, seal, unseal } from '../seal.ts';
import { type AskedAuth, type Auth, authorizationOf } from './auth.ts';
import type { SecretOwner } from './secret-mark.ts';
import type { Webhook } from './webhook.ts';

/** What a webhook's destination is shown to be let in, in the clear: only what sends and what seals has it. */
export interface Credentials {
  /** Values of headers, by their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly auth?: Auth;
  /** Beside what everybody may see of how TLS is spoken. */
  readonly tls?: { readonly privateKey: string };
}

/** What a caller asks for; undefined stands for a value that the webhook has already. */
export interface AskedCredentials {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly auth?: AskedAuth;
  readonly tls?: { readonly privateKey: string | undefined };
}

export const NO_CREDENTIALS: Credentials = { headers: {} };

/** Opens what is sealed of a webhook. Raises what `unseal` raises. */
export type CredentialsOf = (webhook: Pick<Webhook, 'sealedCredentials' | keyof SecretOwner>) => Credentials;

export function credentialsWith(sealingKey: SealKey): CredentialsOf {
  return (webhook) => {
    const { sealedCredentials } = webhook;
    if (sealedCredentials === undefined) return NO_CREDENTIALS;
    const bytes = unseal(sealingKey, sealedCredentials, credentialsOf(webhook));
    return JSON.parse(Buffer.from(bytes).toString());
  };
}

/** Credentials as they are stored; undefined when there are none. */
export function sealCredentials(
  sealingKey: SealKey,
  credentials: Credentials,
  owner: SecretOwner,
  random: Random,
): Uint8Array | undefined {
  const { headers, auth, tls } = credentials;
  if (Object.keys(headers).length === 0 && auth === undefined && tls === undefined) return undefined;
  return seal(sealingKey, Buffer.from(JSON.stringify(credentials)), random, credentialsOf(owner));
}

/** The headers that are sent to be let in. */
export function credentialHeaders({ headers, auth }: Credentials): Readonly<Record<string, string>> {
  return auth === undefined ? headers : { ...headers, authorization: authorizationOf(auth) };
}

function credentialsOf({ namespace, id }: SecretOwner): Sealed {
  return { noun: 'credential', belongsTo: JSON.stringify(['credentials', namespace, id]) };
}
