/** Fields of messages, by their names in either form, in which values that are secret are given. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  'auth',
  'headers',
  'secret',
  'secret_headers',
  'secretHeaders',
  'signing',
  'tls',
]);

/** Whether one of these names, which lead to a value, says that messages cannot repeat it. */
export function isSecretPlace(names: readonly unknown[]): boolean {
  return names.some((name) => typeof name === 'string' && SECRET_FIELDS.has(name));
}
