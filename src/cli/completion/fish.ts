import type { CommandWords, FlagWords, Value, Words } from './words.ts';

/**
 * For `carillon completion fish | source`, or a file in `~/.config/fish/completions`. What it calls is in
 * https://fishshell.com/docs/current/completions.html
 */
export function fishCompletion({ first, commands }: Words): string {
  const lines = [
    ...first.map(
      ({ word, about }) => `complete -c carillon -n '__carillon_ends' -a ${word} -d ${quoted(about)}`,
    ),
    ...commands.flatMap(verbLine),
    ...commands.flatMap(commandLines),
  ];
  return `# Completion of carillon for fish. To use it: carillon completion fish | source
# Whether what stands before the word that is typed begins so, and whether that is all of it.
function __carillon_begins
  set -l before (commandline -opc)
  set -l many (count $argv)
  set -e before[1]
  test (count $before) -ge $many; or return 1
  test $many -eq 0; and return 0
  test "$before[1..$many]" = "$argv"
end
function __carillon_ends
  set -l before (commandline -opc)
  test (count $before) -eq (math (count $argv) + 1); and __carillon_begins $argv
end

complete -c carillon -f
${lines.join('\n')}
`;
}

function verbLine({ path, about }: CommandWords): string[] {
  if (path.length === 1) return [];
  return [`complete -c carillon -n '__carillon_ends ${path[0]}' -a ${path[1]} -d ${quoted(about)}`];
}

function commandLines({ path, flags, operand }: CommandWords): string[] {
  const when = `complete -c carillon -n '__carillon_begins ${path.join(' ')}'`;
  return [
    ...flags.map((flag) => `${when} ${flagArguments(flag)}`),
    ...(operand === undefined || operand.kind === 'other' ? [] : [`${when} ${valueArguments(operand)}`]),
  ];
}

function flagArguments({ flags, value, about }: FlagWords): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const takes = value === undefined ? [] : [value.kind === 'file' ? '-r -F' : `-x ${valueArguments(value)}`];
  return [...names, ...takes, '-d', quoted(about)].join(' ');
}

function valueArguments(value: Value): string {
  switch (value.kind) {
    case 'words':
      return `-a ${quoted(value.words.join(' '))}`;
    case 'file':
      return '-F';
    case 'other':
      return '';
    default:
      return value satisfies never;
  }
}

function quoted(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`;
}
