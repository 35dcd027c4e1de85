// The first version whose node:sqlite and type stripping are no longer experimental. This file is read
// by older ones too, so it keeps to plain syntax.
const MAJOR = 24;
const MINOR = 15;

/** A line that refuses a version of Node, such as `20.19.2`; undefined for one that is new enough. */
export function nodeRefusal(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > MAJOR || (major === MAJOR && minor >= MINOR)) return undefined;
  return `carillon needs Node ${MAJOR}.${MINOR} or later; this is Node ${version}, see https://nodejs.org`;
}
