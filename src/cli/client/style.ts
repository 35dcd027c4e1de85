/** How text is made to stand out; without colours, not at all. */
export interface Style {
  readonly strong: (text: string) => string;
  readonly quiet: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
}

/** Select Graphic Rendition (ECMA-48, section 8.3.117). */
export function styleOf(colour: boolean): Style {
  const between = (on: number, off: number) => (text: string) =>
    colour && text !== '' ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  return {
    strong: between(1, 22),
    quiet: between(2, 22),
    good: between(32, 39),
    bad: between(31, 39),
    warn: between(33, 39),
  };
}
