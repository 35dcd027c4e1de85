import type { Target } from './callers.ts';
import type { Spans } from './histogram.ts';
import type { Listing, Load, Loaded } from './publisher.ts';
import type { Raw } from './raw.ts';
import type { Seen } from './receiver.ts';
import type { Row } from './table.ts';

/** One thing that is measured. Its name is what `npm run bench -- <name>` takes. */
export interface Scenario {
  readonly name: string;
  /** A sentence without a full stop. */
  readonly about: string;
  /** The longest that it may take; it is ended then, and the others go on. */
  readonly deadlineMs: number;
  run(bench: Bench): Promise<void>;
}

/** What a scenario has to measure with. */
export interface Bench {
  /** Fewer and shorter windows: to see that everything works, not to compare. */
  readonly quick: boolean;
  /** More than usual, as `--full` asks for. */
  readonly full: boolean;
  readonly receiver: Receiver;
  readonly publisher: Publisher;
  /** What is compared with; sampled between other things, since the machine does not stay the same. */
  readonly raw: Raw;
  /** An empty folder, removed when the bench ends. */
  folder(): Promise<string>;
  add(row: Omit<Row, 'scenario'>): void;
  /** Says what is being done, to whoever waits. */
  say(text: string): void;
}

/** The receiver as its asker sees it. */
export interface Receiver {
  /** `http://127.0.0.1:<port>` of the port that is always there. */
  readonly origin: string;
  /** Opens further ports. */
  listen(ports: number): Promise<string[]>;
  /** What was seen since the last time. */
  take(): Promise<Seen>;
}

/** The publisher as its asker sees it. */
export interface Publisher {
  load(load: Load): Promise<Loaded>;
  /** How long each page took. */
  list(listing: Listing): Promise<Spans>;
  /** Closes its connections to a server. */
  leave(target: Target): Promise<void>;
}
