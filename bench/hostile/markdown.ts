/** A table in Markdown, as it stands in `docs/security.md`. The first column is text, and so is the last. */
export function markdown(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = heads.map((_, i) => (i === 0 || i === heads.length - 1 ? '---' : '--:'));
  return [heads, rule, ...rows].map((cells) => `| ${cells.map(inCell).join(' | ')} |\n`).join('');
}

function inCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
