import { GROUPS } from '../client/command.ts';
import type { CommandWords, Value, Words } from './words.ts';

/**
 * For `source <(carillon completion bash)`. It runs in bash 3.2 too, which macOS has: no associative arrays, and no
 * `mapfile`. Programmable completion: https://www.gnu.org/software/bash/manual/html_node/Programmable-Completion.html
 */
export function bashCompletion({ first, commands }: Words): string {
  return `# Completion of carillon for bash. To use it: source <(carillon completion bash)
_carillon_words() {
  local IFS=$' \\t\\n'
  COMPREPLY=( $(compgen -W "$1" -- "$cur") )
}

_carillon_files() {
  local IFS=$'\\n'
  local path="$cur"
  # Data comes from @file, too.
  [[ $path == @* ]] && path="\${path#@}"
  COMPREPLY=( $(compgen -f -- "$path") )
  [[ $cur == @* ]] && COMPREPLY=( "\${COMPREPLY[@]/#/@}" )
  # Bash 3.2 has no such thing.
  compopt -o filenames 2> /dev/null || true
}

_carillon() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
  local command="\${COMP_WORDS[1]}" depth=1
  COMPREPLY=()
  # Bash takes --flag=value apart at the equals sign.
  if [[ $cur == '=' ]]; then cur=''
  elif [[ $prev == '=' ]]; then prev="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  if (( COMP_CWORD == 1 )); then
    _carillon_words '${first.map(({ word }) => word).join(' ')}'
    return
  fi
  case "$command" in
    ${GROUPS.join('|')}) command="$command \${COMP_WORDS[2]}" depth=2 ;;
  esac
  if (( depth == 2 && COMP_CWORD == 2 )); then
    case "\${COMP_WORDS[1]}" in
${GROUPS.map((group) => `      ${group}) _carillon_words '${verbsOf(group, commands).join(' ')}' ;;`).join('\n')}
    esac
    return
  fi
  case "$command $prev" in
${commands.flatMap(valueCases).join('\n')}
  esac
  if [[ $cur == -* ]]; then
    case "$command" in
${commands.map((each) => `      ${spoken(each)}) _carillon_words '${flagsOf(each).join(' ')}' ;;`).join('\n')}
    esac
    return
  fi
  case "$command" in
${commands.flatMap(operandCase).join('\n')}
  esac
}

complete -F _carillon carillon
`;
}

function verbsOf(group: string, commands: readonly CommandWords[]): string[] {
  return commands.flatMap(({ path }) => (path[0] === group && path.length === 2 ? [path[1]] : []));
}

function flagsOf({ flags }: CommandWords): string[] {
  return flags.flatMap((flag) => flag.flags);
}

/** What may follow each flag that takes a value. */
function valueCases(command: CommandWords): string[] {
  return command.flags.flatMap(({ flags, value }) => {
    if (value === undefined) return [];
    const patterns = flags.map((flag) => `'${command.path.join(' ')} ${flag}'`).join('|');
    return [`    ${patterns}) ${reply(value)}return ;;`];
  });
}

function operandCase(command: CommandWords): string[] {
  const { operand } = command;
  if (operand === undefined || operand.kind === 'other') return [];
  return [`    ${spoken(command)}) ${reply(operand)};;`];
}

function reply(value: Value): string {
  switch (value.kind) {
    case 'words':
      return `_carillon_words '${value.words.join(' ')}'; `;
    case 'file':
      return '_carillon_files; ';
    case 'other':
      return '';
    default:
      return value satisfies never;
  }
}

function spoken({ path }: CommandWords): string {
  return `'${path.join(' ')}'`;
}
