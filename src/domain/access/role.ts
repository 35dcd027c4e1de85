/** What a caller may do, from the least to the most: each role may do all that those before it may. */
export const ROLES = ['READ', 'PUBLISH', 'MANAGE', 'ADMIN'] as const;

export type Role = (typeof ROLES)[number];

/** Whether a role may do what needs another. */
export function mayDo(has: Role, needs: Role): boolean {
  return ROLES.indexOf(has) >= ROLES.indexOf(needs);
}
