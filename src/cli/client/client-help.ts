import { CLIENT_COMMANDS } from './all-commands.ts';
import {
  COMMON,
  type Command,
  GROUP_TITLES,
  type Group,
  type Option,
  type Place,
  spoken,
} from './command.ts';

/** Columns that help is laid out for. */
const WIDTH = 100;

/** What `carillon webhooks --help` prints. */
export function groupHelp(group: Group): string {
  const commands = CLIENT_COMMANDS[group];
  const names = commands.map(({ verb, alias }) => (alias === undefined ? verb : `${verb}, ${alias}`));
  const widest = Math.max(...names.map((name) => name.length));
  const lines = commands.map(({ about }, i) => wrap(`  ${names[i]!.padEnd(widest)}  `, about));
  return `carillon ${group}: ${GROUP_TITLES[group]}.

Usage: carillon ${group} <command> [options]

Commands:
${lines.join('\n')}

Each command prints its options with --help. They are clients of a server that runs, at http://127.0.0.1:8090
unless --address or CARILLON_ADDRESS names another. Exit codes: 0 when it was done, 1 when the server refused
or could not be reached, 2 when the command was called wrongly.
`;
}

/** What `carillon webhooks register --help` prints. */
export function clientHelp(place: Place, command: Command): string {
  const call = `carillon ${spoken(place, command)}`;
  const { about, notes, argument, options, common = COMMON, examples } = command;
  const operand = argument && ` ${argument.required ? `<${argument.name}>` : `[${argument.name}]`}`;
  const parts = [
    wrap(`${call}: `, about, ''),
    ...(notes === undefined ? [] : [wrap('', notes)]),
    `\nUsage: ${call}${operand ?? ''} [options]\n`,
    ...(argument ? [wrap(`  ${`<${argument.name}>`.padEnd(10)}  `, argument.about), ''] : []),
    ...(options.length > 0 ? ['Options:', ...options.map(optionHelp), ''] : []),
    common === COMMON ? 'Options of every command:' : 'Other options:',
    ...common.map(optionHelp),
    '\nExamples:',
    ...examples.map((example) => `  ${call} ${example}`.trimEnd()),
  ];
  return `${parts.join('\n')}\n`;
}

function optionHelp({ flag, short, value, many, about }: Option): string {
  const name = short === undefined ? flag : `${short}, ${flag}`;
  const usage = value === undefined ? name : `${name} <${value}>`;
  return `  ${usage}${many ? ' …' : ''}\n${wrap('      ', about)}`;
}

/** Text after a beginning, in lines that end before the width; further lines stand under the first. */
function wrap(beginning: string, text: string, indent = ' '.repeat(beginning.length)): string {
  const lines: string[] = [];
  let line = beginning;
  let empty = true;
  for (const word of text.split(' ')) {
    if (!empty && line.length + word.length > WIDTH) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
    empty = false;
  }
  return [...lines, line.trimEnd()].join('\n');
}
