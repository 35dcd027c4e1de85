import { isDeepStrictEqual } from 'node:util';
import { headerViolations } from '../domain/event/header-rules.ts';
import type { Problems } from '../domain/problems.ts';
import type { AddressPolicy } from '../domain/webhook/address.ts';
import type { AskedSpec } from '../domain/webhook/asked.ts';
import { type AskedAuth, type Auth, authFaults, SECRET_OF } from '../domain/webhook/auth.ts';
import {
  type AskedCredentials,
  type Credentials,
  credentialsWith,
  sealCredentials,
} from '../domain/webhook/credentials.ts';
import { judgeDestination } from '../domain/webhook/destination.ts';
import { headersApart } from '../domain/webhook/secret-headers.ts';
import { marksWith, type SecretMark, type SecretOwner } from '../domain/webhook/secret-mark.ts';
import { type AskedTls, clientIdentity, tlsFaults } from '../domain/webhook/tls.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import type { ControlDeps } from './deps.ts';

/** What is asked for, the secret values apart from the rest. */
export interface Apart {
  readonly spec: AskedSpec;
  readonly credentials: AskedCredentials;
}

/** Takes plain headers whose names say that they are secret for such. They go before one that is to be kept. */
export function secretsApart({ spec, credentials }: Apart): Apart {
  const { plain, secret } = headersApart(spec.headers ?? {});
  if (Object.keys(secret).length === 0) return { spec, credentials };
  const headers = { ...credentials.headers, ...secret };
  return { spec: { ...spec, headers: plain }, credentials: { ...credentials, headers } };
}

/** Notes what is wrong with headers as they were asked for, plain and secret. */
export function noteHeaderViolations({ spec, credentials }: Apart, problems: Problems): void {
  problems.addAll(headerViolations(spec.headers ?? {}, 'headers'));
  const { headers } = credentials;
  const given = Object.entries(headers).map(([name, value = '']): [string, string] => [name, value]);
  problems.addAll(headerViolations(Object.fromEntries(given), 'secret_headers'));
  for (const name of Object.keys(spec.headers ?? {})) {
    const lower = name.toLowerCase();
    if (own(headers, lower) === undefined) continue;
    problems.add(`headers[${JSON.stringify(name)}]`, 'is given in secret_headers too: give it once');
  }
}

/**
 * Notes what is wrong with how a webhook is let in, beside its secret headers. `policy` judges where it gets tokens;
 * without one that is not judged.
 */
export function noteAuthViolations(
  { headers, auth }: Credentials,
  problems: Problems,
  policy: AddressPolicy | undefined,
): void {
  if (auth === undefined) return;
  problems.under('auth').addAll(authFaults(auth));
  if (auth.kind === 'oauth2' && policy !== undefined) {
    const verdict = judgeDestination(auth.tokenUrl, { policy });
    if ('refused' in verdict) problems.add('auth.oauth2.token_url', verdict.refused);
  }
  if (headers.authorization === undefined) return;
  problems.add('auth', 'is given, and so is the header authorization, which is made of it: give one of them');
}

/** Notes what is wrong with how TLS is to be spoken. `before` is how it was, if there was such a webhook. */
export function noteTlsViolations(
  spec: Pick<AskedSpec, 'destination' | 'tls'>,
  { tls: secret }: Credentials,
  { now, before, problems }: { now: number; before?: AskedTls | undefined; problems: Problems },
): void {
  const { tls, destination } = spec;
  if (tls === undefined && secret === undefined) return;
  const isNew = tls?.clientCertificate !== before?.clientCertificate;
  problems.addAll(tlsFaults({ ...tls, destination, key: secret?.privateKey }, { now, isNew }));
}

/** Says of a webhook that its destination is not verified, unless that was so before. */
export function tellUnverified(
  { onUnverified }: Pick<ControlDeps, 'onUnverified'>,
  webhook: Webhook,
  before?: Webhook,
): void {
  if (webhook.spec.tls?.unverified && !before?.spec.tls?.unverified) onUnverified?.(webhook);
}

/** What is asked for, with what a webhook has in place of what is to be kept. Notes what it does not have. */
export function kept(asked: AskedCredentials, before: Credentials, problems: Problems): Credentials {
  const headers: [string, string][] = [];
  for (const [name, given] of Object.entries(asked.headers)) {
    const value = given ?? own(before.headers, name);
    if (value !== undefined) headers.push([name, value]);
    else
      problems.add(
        `secret_headers[${JSON.stringify(name)}].value`,
        'is not given, and the webhook has none that could be kept: give it',
      );
  }
  const auth = asked.auth && keptAuth(asked.auth, before.auth, problems);
  const tls = asked.tls && keptKey(asked.tls, before.tls, problems);
  return {
    headers: Object.fromEntries(headers),
    ...(auth !== undefined && { auth }),
    ...(tls !== undefined && { tls }),
  };
}

function keptKey(
  asked: NonNullable<AskedCredentials['tls']>,
  before: Credentials['tls'],
  problems: Problems,
): Credentials['tls'] {
  const privateKey = asked.privateKey ?? before?.privateKey;
  if (privateKey !== undefined) return { privateKey };
  problems.add(
    'tls.private_key.value',
    'is not given, and the webhook has none that could be kept: give that of the certificate',
  );
  return undefined;
}

function keptAuth(asked: AskedAuth, before: Auth | undefined, problems: Problems): Auth | undefined {
  const secret = asked.secret ?? (before?.kind === asked.kind ? before.secret : undefined);
  if (secret !== undefined) return { ...asked, secret };
  problems.add(
    `auth.${asked.kind}.${SECRET_OF[asked.kind]}.value`,
    'is not given, and the webhook has none that could be kept: give it',
  );
  return undefined;
}

/** Whether anything is to be kept of what the webhook has. */
export function keepsAny({ headers, auth, tls }: AskedCredentials): boolean {
  if (tls !== undefined && tls.privateKey === undefined) return true;
  return Object.values(headers).includes(undefined) || (auth !== undefined && auth.secret === undefined);
}

/** What is asked for where nothing is: all that the webhook has stays. */
export function allKept({ spec }: Pick<Webhook, 'spec'>): AskedCredentials {
  const { secretHeaders = {}, auth, tls } = spec;
  const headers = Object.fromEntries(Object.keys(secretHeaders).map((name) => [name, undefined]));
  return {
    headers,
    ...(auth !== undefined && { auth: { ...auth, secret: undefined } }),
    ...(tls?.privateKey !== undefined && { tls: { privateKey: undefined } }),
  };
}

/** A header can be named like what every object has, such as constructor. */
function own<T>(headers: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(headers, name) ? headers[name] : undefined;
}

/** What of a webhook is stored for its credentials. */
export interface StoredCredentials extends Pick<Webhook, 'spec'> {
  readonly sealedCredentials?: Uint8Array;
}

/** Opens, marks and seals the credentials of webhooks. */
export function createVault({ sealKey, random }: Pick<ControlDeps, 'sealKey' | 'random'>) {
  const open = credentialsWith(sealKey);
  const markOf = marksWith(sealKey);

  /** What is stored of a webhook with these credentials. They are not sealed anew unless they changed since `found`. */
  function stored(
    owner: SecretOwner,
    spec: AskedSpec,
    credentials: Credentials,
    found?: Webhook,
  ): StoredCredentials {
    const { secretHeaders: _headers, auth: _auth, tls, ...rest } = spec;
    const { headers, auth } = credentials;
    const marks = Object.entries(headers).map(
      ([name, value]) => [name, markOf(owner, `header ${name}`, value)] as const,
    );
    const marked = {
      ...rest,
      ...(marks.length > 0 && { secretHeaders: Object.fromEntries(marks) }),
      ...(auth !== undefined && {
        auth: { ...auth, secret: markOf(owner, `auth ${auth.kind}`, auth.secret) },
      }),
      ...(tls !== undefined && { tls: markedTls(owner, tls, credentials.tls?.privateKey) }),
    };
    const same =
      found !== undefined && isDeepStrictEqual(open(found), credentials)
        ? found.sealedCredentials
        : undefined;
    const sealedCredentials = same ?? sealCredentials(sealKey, credentials, owner, random);
    return { spec: marked, ...(sealedCredentials !== undefined && { sealedCredentials }) };
  }

  function markedTls(owner: SecretOwner, tls: AskedTls, key: string | undefined): AskedTls {
    const { privateKey: _key, identity: _identity, ...rest } = tls;
    const identity = tls.clientCertificate === undefined ? undefined : clientIdentity(tls.clientCertificate);
    const privateKey: SecretMark | undefined =
      key === undefined
        ? undefined
        : // The end of every key in PEM is the same.
          { ...markOf(owner, 'tls private key', key), hint: identity?.subject ?? '' };
    return {
      ...rest,
      ...(identity !== undefined && { identity }),
      ...(privateKey !== undefined && { privateKey }),
    };
  }

  return { open, stored };
}
