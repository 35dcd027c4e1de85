import type { Door } from '../../src/domain/access/door.ts';
import { ANONYMOUS, type Principal } from '../../src/domain/access/principal.ts';

/** A door that lets in everybody, as somebody without a key where none is asked for, or as who is given. */
export function doorFor(principalOf: Door['authenticate'] = () => ANONYMOUS): Door {
  return { authenticate: principalOf, admit() {}, check() {} };
}

export const OPEN_DOOR: Door = doorFor();

/** Everybody has the same key. */
export function doorAs(principal: Principal): Door {
  return doorFor(() => principal);
}
