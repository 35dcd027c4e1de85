import { authorizationIn } from '../domain/access/authorization.ts';
import type { Door } from '../domain/access/door.ts';
import { type Principal, shownBy } from '../domain/access/principal.ts';
import { mayDo, type Role } from '../domain/access/role.ts';
import type { Source } from '../domain/access/source.ts';
import { DomainError } from '../domain/error.ts';
import { type InboxRequest, type InboxResponse, refuse } from './http.ts';

/**
 * Lets in whoever may look at an inbox, or change one: a key as for the API, or, since a person's browser has no way to
 * send that, as the password of HTTP Basic, which it asks for. A site of somebody else cannot make use of what the
 * browser remembers so: it can read nothing, and `isFromOwnPage` keeps it from changing anything.
 * An inbox is in no namespace, and whatever rings it can be seen there: a key for one namespace does not do.
 * Returns who it is; undefined for a request that may not go on, and is answered.
 */
export function letIn(
  door: Pick<Door, 'authenticate' | 'admit'>,
  needs: Role,
  { address, certificate }: Source,
  req: InboxRequest,
  res: InboxResponse,
): Principal | undefined {
  try {
    const principal = door.authenticate({
      authorization: bearerOf(authorizationIn(req)),
      address,
      certificate,
    });
    door.admit(principal);
    if (principal.namespace !== undefined) {
      const why = `an inbox shows what comes from every namespace, and ${shownBy(principal)} is for ${principal.namespace}; use a key for all namespaces`;
      refused(req, res, 403, why);
    } else if (mayDo(principal.role, needs)) return principal;
    else refused(req, res, 403, `this needs a key with the role ${needs.toLowerCase()}`);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const { code, message, retryMs } = error;
    if (code === 'UNAUTHENTICATED') refused(req, res, 401, message, CHALLENGE);
    else {
      refused(req, res, 429, message, { 'retry-after': String(Math.ceil((retryMs ?? 1000) / 1000)) });
    }
  }
  return undefined;
}

const CHALLENGE = {
  'www-authenticate':
    'Basic realm="carillon: a key as the password", charset="UTF-8", Bearer realm="carillon"',
};

/** What the API takes, of a password that a browser sends. */
function bearerOf(authorization: string | undefined): string | undefined {
  const [, encoded] = /^basic +([\w+/]+=*)$/i.exec(authorization ?? '') ?? [];
  if (encoded === undefined) return authorization;
  const pair = Buffer.from(encoded, 'base64').toString();
  return `Bearer ${pair.slice(pair.indexOf(':') + 1)}`;
}

/** What was sent along must be read for the connection to go on. */
function refused(
  req: InboxRequest,
  res: InboxResponse,
  status: number,
  why: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  req.resume();
  refuse(res, status, `${why.charAt(0).toUpperCase()}${why.slice(1)}.`, headers);
}
