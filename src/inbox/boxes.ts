import { type Answer, DEFAULT_ANSWER, type GivenAnswer, takeAnswer } from './answer.ts';
import type { InboxBounds } from './bounds.ts';
import { costBytes, type Received } from './received.ts';

/** What is known of one inbox, beside its requests. */
export interface BoxSummary {
  readonly name: string;
  /** Requests accepted or refused since it exists. */
  readonly received: number;
  readonly kept: number;
  readonly keptBytes: number;
  /** The lowest number that is kept; requests below it are gone. */
  readonly oldest: number;
  /** Those gone because of a bound, not because they were cleared. */
  readonly dropped: number;
  /** Those answered 503 without being listed, because too many came at once. */
  readonly turnedAway: number;
  readonly lastAt: number | null;
  readonly answer: Answer;
}

/** All inboxes, in memory and within bounds. Names are taken as valid. */
export interface Boxes {
  /** Keeps a request, making the inbox where there is none and dropping what is oldest at a bound. */
  add(name: string, request: Omit<Received, 'number'>): Received;
  /** Changes what was to be learnt of a request. Nothing happens where it is gone. */
  update(name: string, number: number, change: Partial<Pick<Received, 'signature' | 'answer'>>): void;
  /** The answer to give to one request. */
  takeAnswer(name: string): GivenAnswer;
  setAnswer(name: string, answer: Answer): void;
  turnAway(name: string): void;
  /** Drops all requests of an inbox; its answer and its numbering stay. */
  clear(name: string): void;
  get(name: string, number: number): Received | undefined;
  /** Newest first. */
  list(name: string): Received[];
  /** That of an inbox nobody has used is the one of a new inbox. */
  summary(name: string): BoxSummary;
  /** The one that was used last first. */
  summaries(): BoxSummary[];
}

export interface BoxesOptions {
  readonly bounds: InboxBounds;
  /** Told after each change; with the request where one came in or changed. */
  readonly onChange: (summary: BoxSummary, request?: Received) => void;
}

interface Box {
  readonly name: string;
  /** Oldest first. */
  readonly entries: Map<number, Entry>;
  received: number;
  bytes: number;
  dropped: number;
  turnedAway: number;
  lastAt: number | null;
  answer: Answer;
}

interface Entry {
  readonly box: Box;
  readonly cost: number;
  received: Received;
}

export function createBoxes({ bounds, onChange }: BoxesOptions): Boxes {
  /** The one that has been quiet for longest first. */
  const boxes = new Map<string, Box>();
  /** The requests of all inboxes, oldest first. */
  const arrivals = new Set<Entry>();
  let totalBytes = 0;

  /** The inbox of this name, made where there is none, as the one that was used last. */
  function use(name: string): Box {
    const box = boxes.get(name) ?? newBox(name);
    boxes.delete(name);
    boxes.set(name, box);
    if (boxes.size > bounds.namesMax) {
      const quiet = first(boxes.values())!;
      boxes.delete(quiet.name);
      for (const entry of quiet.entries.values()) remove(entry);
      onChange(summarize(newBox(quiet.name)));
    }
    return box;
  }

  function remove(entry: Entry): void {
    entry.box.entries.delete(entry.received.number);
    entry.box.bytes -= entry.cost;
    totalBytes -= entry.cost;
    arrivals.delete(entry);
  }

  function drop(entry: Entry): void {
    remove(entry);
    entry.box.dropped++;
  }

  return {
    add(name, request) {
      const box = use(name);
      const received: Received = { ...request, number: ++box.received };
      const entry: Entry = { box, cost: costBytes(received), received };
      box.entries.set(received.number, entry);
      box.bytes += entry.cost;
      box.lastAt = received.receivedAt;
      totalBytes += entry.cost;
      arrivals.add(entry);

      if (box.entries.size > bounds.requestsMax) drop(first(box.entries.values())!);
      const others = new Set<Box>();
      while (totalBytes > bounds.totalBytesMax && arrivals.size > 1) {
        const oldest = first(arrivals)!;
        drop(oldest);
        if (oldest.box !== box) others.add(oldest.box);
      }
      for (const other of others) onChange(summarize(other));
      onChange(summarize(box), received);
      return received;
    },

    update(name, number, change) {
      const entry = boxes.get(name)?.entries.get(number);
      if (entry === undefined) return;
      entry.received = { ...entry.received, ...change };
      onChange(summarize(entry.box), entry.received);
    },

    takeAnswer(name) {
      const box = use(name);
      const { given, after } = takeAnswer(box.answer);
      box.answer = after;
      return given;
    },

    setAnswer(name, answer) {
      const box = use(name);
      box.answer = answer;
      onChange(summarize(box));
    },

    turnAway(name) {
      const box = use(name);
      box.turnedAway++;
      onChange(summarize(box));
    },

    clear(name) {
      const box = boxes.get(name);
      if (box === undefined) return;
      for (const entry of box.entries.values()) remove(entry);
      onChange(summarize(box));
    },

    get: (name, number) => boxes.get(name)?.entries.get(number)?.received,
    list: (name) => [...(boxes.get(name)?.entries.values() ?? [])].map((entry) => entry.received).reverse(),
    summary: (name) => summarize(boxes.get(name) ?? newBox(name)),
    summaries: () => [...boxes.values()].map(summarize).reverse(),
  };
}

function newBox(name: string): Box {
  return {
    name,
    entries: new Map(),
    received: 0,
    bytes: 0,
    dropped: 0,
    turnedAway: 0,
    lastAt: null,
    answer: DEFAULT_ANSWER,
  };
}

function summarize(box: Box): BoxSummary {
  const { name, received, dropped, turnedAway, lastAt, answer } = box;
  const oldest = first(box.entries.keys()) ?? received + 1;
  return {
    name,
    received,
    kept: box.entries.size,
    keptBytes: box.bytes,
    oldest,
    dropped,
    turnedAway,
    lastAt,
    answer,
  };
}

function first<T>(values: Iterable<T>): T | undefined {
  for (const value of values) return value;
  return undefined;
}
