import { GROUPS } from '../client/command.ts';
import type { CommandWords, FlagWords, Value, Words } from './words.ts';

/**
 * For a file `_carillon` in a folder of `fpath`, or for `source <(carillon completion zsh)`. What it calls is in
 * https://zsh.sourceforge.io/Doc/Release/Completion-System.html
 */
export function zshCompletion({ first, commands }: Words): string {
  return `#compdef carillon
# Completion of carillon for zsh. To use it: source <(carillon completion zsh)
_carillon() {
  local command=$words[2]
  local -a words_here
  if (( CURRENT == 2 )); then
    words_here=(
${first.map(({ word, about }) => `      ${described(word, about)}`).join('\n')}
    )
    _describe command words_here
    return
  fi
  case $command in
${GROUPS.map((group) => verbCase(group, commands)).join('\n')}
  esac
  # Now the command is the first word, as _arguments expects it.
  shift words
  (( CURRENT-- ))
  case $command in
${commands.map(commandCase).join('\n')}
  esac
}

# As a function of fpath it is called, and otherwise made known.
if [[ $funcstack[1] == _carillon ]]; then
  _carillon "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
  compdef _carillon carillon
fi
`;
}

function verbCase(group: string, commands: readonly CommandWords[]): string {
  const verbs = commands.filter(({ path }) => path[0] === group && path.length === 2);
  return `    ${group})
      if (( CURRENT == 3 )); then
        words_here=(
${verbs.map(({ path, about }) => `          ${described(path[1] ?? '', about)}`).join('\n')}
        )
        _describe command words_here
        return
      fi
      command="$command $words[3]"
      shift words
      (( CURRENT-- ))
      ;;`;
}

function commandCase({ path, flags, operand }: CommandWords): string {
  const specs = [
    ...flags.flatMap(flagSpecs),
    ...(operand === undefined ? [] : [quoted(`*:${path[0]}:${action(operand)}`)]),
  ];
  return `    ${quoted(path.join(' '))})
      _arguments -s -S \\
${specs.map((spec) => `        ${spec}`).join(' \\\n')}
      ;;`;
}

function flagSpecs({ flags, value, many, about }: FlagWords): string[] {
  return flags.map((flag) => {
    const takes = value === undefined ? '' : `:${flag.replace(/^-+/, '')}:${action(value)}`;
    const equals = value !== undefined && flag.startsWith('--') ? '=' : '';
    return quoted(`${many ? '*' : ''}${flag}${equals}[${escaped(about)}]${takes}`);
  });
}

function action(value: Value): string {
  switch (value.kind) {
    case 'words':
      return `(${value.words.join(' ')})`;
    case 'file':
      return '_files';
    case 'other':
      return ' ';
    default:
      return value satisfies never;
  }
}

function described(word: string, about: string): string {
  return quoted(`${word}:${about.replaceAll(':', '\\:')}`);
}

/** Within the brackets of a spec. */
function escaped(text: string): string {
  return text.replace(/[\\[\]:]/g, '\\$&');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
