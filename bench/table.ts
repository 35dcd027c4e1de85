/** One line of the table that the bench prints. */
export interface Row {
  readonly scenario: string;
  readonly what: string;
  readonly measured: string;
  /** CPU time of one delivery, to be compared with the raw loop of the same run. */
  readonly cpuUs?: number;
  readonly goal?: Goal;
}

export interface Goal {
  /** As a person reads it. */
  readonly text: string;
  /** Undefined where only the ratio to the raw loop can tell: see `ratioMax`. */
  readonly met?: boolean;
  readonly ratioMax?: number;
}

const HEADS = ['', 'measured', 'of raw', 'goal', ''] as const;

/** The table as text; `rawUs` is what one request of the raw loop costs. */
export function table(rows: readonly Row[], rawUs: number): string {
  const lines = rows.map((row) => cells(row, rawUs));
  const widths = HEADS.map((head, i) =>
    Math.max(...[HEADS, ...lines].map((line) => (line[i] ?? head).length)),
  );
  const write = (line: readonly string[]): string =>
    line
      .map((cell, i) => (i === 0 || i > 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd();
  const out = [write(HEADS), widths.map((width) => '─'.repeat(width)).join('──')];
  let scenario = '';
  for (const [i, row] of rows.entries()) {
    if (row.scenario !== scenario) {
      if (scenario !== '') out.push('');
      scenario = row.scenario;
    }
    out.push(write(lines[i]!));
  }
  return `${out.join('\n')}\n`;
}

function cells({ what, measured, cpuUs, goal }: Row, rawUs: number): string[] {
  const ratio = cpuUs === undefined ? Number.NaN : cpuUs / rawUs;
  const met =
    goal?.ratioMax === undefined ? goal?.met : Number.isNaN(ratio) ? undefined : ratio <= goal.ratioMax;
  return [
    what,
    measured,
    Number.isNaN(ratio) ? '' : `${ratio.toFixed(2)}×`,
    goal?.text ?? '',
    met === undefined ? '' : met ? 'met' : 'short',
  ];
}

export function us(value: number): string {
  return `${value.toFixed(1)} µs`;
}

export function ms(value: number): string {
  return `${value.toFixed(value < 100 ? 1 : 0)} ms`;
}

export function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}
