// The page's own modules, which are JavaScript for browsers; those without a document run here as well.

type Part = readonly [className: string, text: string];
type Line = readonly Part[];

export interface Block {
  readonly parts: Line;
  readonly goesOn: boolean;
}

export const { blocksOf } = await load<{ blocksOf(lines: Iterable<Line>): Iterable<Block> }>(
  'body/blocks.js',
);

export interface Body {
  readonly binary: boolean;
  readonly pretty: (() => Iterable<Line>) | undefined;
  raw(): Iterable<Line>;
  hex(perLine: number): Iterable<Line>;
}

export const { readBody } = await load<{
  readBody(bytes: Uint8Array, contentType: string, complete: boolean): Body;
}>('body/read.js');

export interface Told {
  readonly headers: readonly (readonly [string, string])[];
  readonly preview: string | null;
  readonly bytes: number;
  readonly refused: string | null;
}

export const { summarize } = await load<{
  summarize(request: Told): {
    readonly type: string | undefined;
    readonly data: string;
    readonly quiet: boolean;
  };
}>('requests/summary.js');

export interface Item {
  readonly number: number;
  readonly time: string;
}

export interface Reading {
  readonly request: Item | undefined;
  readonly number: number | undefined;
  readonly isKept: boolean;
  readonly seen: number;
}

type Items = ReadonlyMap<number, Item>;

export const { NOTHING, choose, leave, goOn, countNew } = await load<{
  readonly NOTHING: Reading;
  choose(reading: Reading, number: number, requests: Items): Reading;
  leave(requests: Items): Reading;
  goOn(reading: Reading, requests: Items): Reading;
  countNew(reading: Reading, requests: Items): number;
}>('requests/reading.js');

export const { createAnnouncer } = await load<{
  createAnnouncer(
    say: (text: string) => void,
    timers: {
      now: () => number;
      later: (run: () => void, ms: number) => number;
      cancel: (timer: number) => void;
    },
  ): { came(): void; forget(): void };
}>('requests/announce.js');

function load<Module>(file: string): Promise<Module> {
  return import(new URL(`../../../src/inbox/page/${file}`, import.meta.url).href);
}
