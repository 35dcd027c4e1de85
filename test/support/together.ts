/**
 * For a `describe` whose tests wait more than they work, each in a world of its own: so many of them run at once.
 *
 *     describe('a loop', TOGETHER, () => {
 */
export const TOGETHER = { concurrency: 8 } as const;
