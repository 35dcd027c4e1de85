import { checkWritable } from './checks.ts';
import { connect, isWithoutTls, messageOf, type Session, stateOf } from './driver.ts';
import { type PasswordSource, passwordFor } from './password.ts';
import { type Host, type Place, refusal } from './place.ts';
import { type Safety, waysOf } from './tls.ts';

export interface ReachOptions {
  readonly passwords: PasswordSource;
  /** How long an answer may take, before the connection is taken for lost; as long as it likes without one. */
  readonly answerMs?: number;
}

/** Errors that say something of who asks, and not of the host: others would say the same. */
const FINAL = new Set(['28P01', '3D000', '42501']);

/**
 * A session with the first of a place's hosts that can be written to, in their order. Raises FAILED_PRECONDITION where
 * there is none, with what is wrong with each.
 */
export async function reach(place: Place, options: ReachOptions): Promise<Session> {
  const faults: string[] = [];
  for (const host of place.hosts) {
    try {
      return await reachHost(place, host, options);
    } catch (error) {
      const fault = faultOf(error, place);
      if (place.hosts.length === 1 || isFinal(error, place)) throw refusal(place.shown, fault);
      faults.push(`${host.host}:${host.port} ${fault}`);
    }
  }
  throw refusal(place.shown, `has no server that can be written to: ${faults.join('; ')}`);
}

async function reachHost(place: Place, host: Host, options: ReachOptions): Promise<Session> {
  const session = await connected(place, host, options);
  try {
    const fault = await checkWritable(session);
    if (fault !== undefined) throw new Unfit(fault);
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

async function connected(place: Place, host: Host, options: ReachOptions): Promise<Session> {
  const { parameters } = place;
  const ways = await waysOf(parameters, host.host);
  for (const [i, ssl] of ways.entries()) {
    try {
      return await connect({
        ...host,
        user: place.user,
        database: place.database,
        password: () => passwordFor(place, host, options.passwords),
        ssl,
        options: parameters.options,
        application_name: parameters.application_name,
        connectionTimeoutMillis: parameters.connect_timeout * 1000,
        ...(options.answerMs !== undefined && { answerMs: options.answerMs }),
      });
    } catch (error) {
      if (i === ways.length - 1 || !wantsOtherWay(error, ssl)) throw error;
    }
  }
  throw new Error('there is no way to connect');
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** A server that is there, and is not the one that is meant. */
class Unfit extends Error {}

/** Whether a host could be reached with TLS where it cannot be without, or the other way round. */
function wantsOtherWay(error: unknown, ssl: Safety): boolean {
  // No entry in pg_hba.conf for a connection of this kind.
  if (stateOf(error) === '28000') return true;
  return ssl !== false && (isWithoutTls(error) || isTlsFault(error));
}

function isFinal(error: unknown, { parameters }: Place): boolean {
  if (error instanceof Unfit) return parameters.target_session_attrs === 'any';
  return FINAL.has(stateOf(error) ?? '');
}

function isTlsFault(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^ERR_(?:SSL|TLS|OSSL)/.test(String(error.code));
}

/** Node's words for certificates that it does not take: https://nodejs.org/api/tls.html#x509-certificate-error-codes. */
const UNTRUSTED = /^(?:UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|INVALID_CA|ERR_TLS_CERT_ALTNAME_INVALID)/;

/** Why a database cannot be used, for the person who starts the server. */
export function faultOf(error: unknown, { parameters: { sslmode, connect_timeout } }: Place): string {
  if (error instanceof Unfit) return error.message;
  const said = messageOf(error);
  switch (stateOf(error)) {
    case '28P01':
      return `lets nobody in with this user and password (${said})`;
    case '28000':
      return `lets nobody in with this user from here (${said})`;
    case '3D000':
      return 'does not exist; make it with CREATE DATABASE';
    case '42501':
      return `does not allow what is needed (${said}); grant CREATE on the database, or make the schema and give it to this user`;
  }
  if (isWithoutTls(error)) return `does not speak TLS, without which sslmode=${sslmode} does not connect`;
  if (error instanceof Error && 'code' in error && UNTRUSTED.test(String(error.code))) {
    return `has a certificate that is not trusted (${said}); give the authority that signed it in sslrootcert, and the name that it is for as the host`;
  }
  if (said === 'timeout expired') {
    return `cannot be opened: no answer within ${connect_timeout} s (connect_timeout)`;
  }
  return `cannot be opened: ${said}`;
}
