import { didYouMean } from '../../domain/nearest.ts';
import { quote } from '../../domain/text.ts';
import { splitFlag } from '../../server/config/split-flag.ts';
import {
  COMMON,
  type Command,
  type Invocation,
  type Option,
  type Place,
  spoken,
  UsageError,
} from './command.ts';

/** Takes apart what follows `carillon <group> <verb>`, or `carillon <verb>`. Raises UsageError. */
export function parse(place: Place, command: Command, argv: readonly string[]): Invocation {
  const options = optionsOf(command);
  const known = new Map(
    options.flatMap((option) =>
      [option.flag, ...(option.short ? [option.short] : [])].map((flag) => [flag, option]),
    ),
  );
  const flags = new Map<string, string[]>();
  const operands: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i]!;
    if (arg === '--') {
      operands.push(...argv.slice(i + 1));
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      operands.push(arg);
      continue;
    }
    const { flag, value: given } = splitFlag(arg);
    const option = known.get(flag);
    if (option === undefined) throw unknownFlag(place, command, flag);
    let value = given;
    if (option.value === undefined) {
      if (value !== undefined) throw new UsageError(`${flag} takes no value`);
      value = '';
    } else {
      value ??= argv[++i];
      if (value === undefined || known.has(value))
        throw new UsageError(`${flag} needs a value: ${usageOf(option)}`);
    }
    flags.set(option.flag, [...(flags.get(option.flag) ?? []), value]);
  }
  return { place, command, argument: operandOf(place, command, operands), flags };
}

function optionsOf({ common = COMMON, options }: Command): Option[] {
  return [...common, ...options];
}

function operandOf(place: Place, command: Command, operands: readonly string[]): string | undefined {
  const { argument } = command;
  const [operand, extra] = operands;
  const help = `see carillon ${spoken(place, command)} --help`;
  const unexpected = argument === undefined ? operand : extra;
  if (unexpected !== undefined) throw new UsageError(`unexpected ${quote(unexpected)}; ${help}`);
  if (argument?.required && (operand === undefined || operand === '')) {
    throw new UsageError(
      `${spoken(place, command)} needs <${argument.name}>: ${lower(argument.about)}; ${help}`,
    );
  }
  return operand;
}

function unknownFlag(place: Place, command: Command, flag: string): UsageError {
  const known = optionsOf(command).map((option) => option.flag);
  return new UsageError(
    `${quote(flag)} is not an option${didYouMean(flag, known)}; see carillon ${spoken(place, command)} --help`,
  );
}

function usageOf({ flag, value }: Option): string {
  return `${flag} <${value}>`;
}

/** A sentence in the middle of another. */
function lower(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, '');
}
