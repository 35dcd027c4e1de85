/** Exit codes that scripts can tell apart: stopped as asked, failed, called wrongly. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;
