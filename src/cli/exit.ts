/**
 * How the program ends when no signal ended it: stopped as asked, failed, called wrongly; or it was asked whether
 * something differs, and something does.
 */
export const EXIT = { ok: 0, failed: 1, usage: 2, differs: 3 } as const;
