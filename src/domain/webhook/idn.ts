import { domainToASCII, domainToUnicode } from 'node:url';

/**
 * Whether a host, as `URL` writes it, is a domain name that every version of Node we run on takes (UTS #46).
 * The versions differ in two things: Node 26 takes any ASCII after `xn--`, and Node 24 takes labels that mix
 * directions of writing. We refuse both, so that a destination does not depend on the version. For the
 * directions our rule is a little stricter than RFC 5893, section 2, which needs a table of all characters.
 */
export function isPlainIdn(hostname: string): boolean {
  if (!/(?:^|\.)xn--/.test(hostname)) return true;
  const name = domainToUnicode(hostname);
  // Where a label cannot be decoded, it is left as it is, or all is empty. A second spelling of one decodes.
  if (name.includes('xn--') || domainToASCII(name) !== hostname) return false;
  return name.split('.').every((label) => !RIGHT_TO_LEFT.test(label) || ONE_DIRECTION.test(label));
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** The blocks of the scripts that are written from right to left. */
const BLOCKS = '\\u0590-\\u08ff\\ufb1d-\\ufdff\\ufe70-\\ufeff\\u{10800}-\\u{10fff}\\u{1e800}-\\u{1efff}';
const RIGHT_TO_LEFT = new RegExp(`[${BLOCKS}]`, 'v');

const LETTER = `[\\p{L}&&[${BLOCKS}]]`;
const DIGITS = '0-9\\u0660-\\u0669\\u06f0-\\u06f9';
/** It begins with a letter of such a script; then come more of them, digits, marks, joiners and hyphens. */
const ONE_DIRECTION = new RegExp(`^${LETTER}[${LETTER}${DIGITS}\\p{Mn}\\u200c\\u200d\\-]*$`, 'v');
