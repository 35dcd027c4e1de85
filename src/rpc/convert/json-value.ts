/**
 * How deep JSON in a google.protobuf.Value can nest: objects and arrays inside each other. An object is
 * three messages on the wire, and every implementation of protobuf reads a hundred at least: with those
 * around it, that is 32 objects.
 */
const JSON_VALUE_DEPTH_MAX = 32;

/** What is wrong with a value as a google.protobuf.Value, as the end of a sentence; undefined when nothing is. */
export function valueJsonFault(json: unknown): string | undefined {
  return faultAt(json, JSON_VALUE_DEPTH_MAX);
}

function faultAt(json: unknown, depthLeft: number): string | undefined {
  switch (typeof json) {
    case 'string':
      return json.isWellFormed()
        ? undefined
        : 'has a string with lone surrogates, which is not valid Unicode';
    case 'number':
      // JSON.parse makes infinity of what is too large for a double.
      return Number.isFinite(json) ? undefined : 'has a number that is too large for double precision';
    case 'object':
      return json === null ? undefined : membersFault(json, depthLeft);
    default:
      return undefined;
  }
}

function membersFault(json: object, depthLeft: number): string | undefined {
  if (depthLeft === 0) return TOO_DEEP;
  const names = Array.isArray(json) ? [] : Object.keys(json);
  for (const member of [...names, ...Object.values(json)]) {
    const complaint = faultAt(member, depthLeft - 1);
    if (complaint !== undefined) return complaint;
  }
  return undefined;
}

const TOO_DEEP = `nests deeper than ${JSON_VALUE_DEPTH_MAX} objects and arrays, as deep as protobuf goes: give it as text with content type application/json`;
