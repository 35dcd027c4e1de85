import { type ClientCertificate, comparable } from './client-certificate.ts';
import { namespaceNameFault } from './namespace.ts';
import { ROLES, type Role } from './role.ts';

/** What a name in a client's certificate may do, as a key would say it. */
export interface ClientRole {
  /** As in `ClientCertificate.names`. */
  readonly name: string;
  readonly role: Role;
  /** The one namespace that it is for; undefined for all. */
  readonly namespace: string | undefined;
  /** How many calls a second may be made with it; 0 for any number. */
  readonly callsPerSecond: number;
}

/** What is allowed, to follow "give". */
export const CLIENT_ROLE_FORM =
  'a name of a certificate, the role of who has it, perhaps a namespace and how many calls a second it may make: ' +
  'uri:spiffe://example.org/shop=publish@acme/100, dns:ci.example.com=manage, email:ann@example.com=admin';

/** A name may have everything in it, so what follows it is read from its end. */
const FORM = /^((?:uri|dns|email):.+)=([a-z]+)(?:@([a-z0-9-]+))?(?:\/([1-9]\d{0,6}))?$/;
/** As for keys. */
const CALLS_PER_SECOND_MAX = 1_000_000;

/** Reads one as operators write it; undefined for what is none. */
export function parseClientRole(text: string): ClientRole | undefined {
  const [, name = '', word = '', namespace, rate = '0'] = FORM.exec(text) ?? [];
  const role = ROLES.find((each) => each.toLowerCase() === word);
  const callsPerSecond = Number(rate);
  if (role === undefined || callsPerSecond > CALLS_PER_SECOND_MAX) return undefined;
  if (namespace !== undefined && namespaceNameFault(namespace) !== undefined) return undefined;
  return { name: comparable(name), role, namespace, callsPerSecond };
}

/** What a certificate may do: the first of the roles that is for one of its names. */
export function clientRoleOf<T extends ClientRole>(
  { names }: Pick<ClientCertificate, 'names'>,
  roles: readonly T[],
): T | undefined {
  return roles.find(({ name }) => names.includes(name));
}
