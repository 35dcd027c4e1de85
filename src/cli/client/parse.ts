import { didYouMean } from '../../domain/nearest.ts';
import { quote } from '../../domain/text.ts';
import { splitFlag } from '../../server/config/split-flag.ts';
import { COMMON, type Command, type Group, type Invocation, type Option, UsageError } from './command.ts';

/** Takes apart what follows `carillon <group> <verb>`. Raises UsageError. */
export function parse(group: Group, command: Command, argv: readonly string[]): Invocation {
  const known = new Map([...COMMON, ...command.options].map((option) => [option.flag, option]));
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
    if (option === undefined) throw unknownFlag(group, command, flag, [...known.keys()]);
    let value = given;
    if (option.value === undefined) {
      if (value !== undefined) throw new UsageError(`${flag} takes no value`);
      value = '';
    } else {
      value ??= argv[++i];
      if (value === undefined || known.has(value))
        throw new UsageError(`${flag} needs a value: ${usageOf(option)}`);
    }
    flags.set(flag, [...(flags.get(flag) ?? []), value]);
  }
  return { group, command, argument: operandOf(group, command, operands), flags };
}

function operandOf(group: Group, command: Command, operands: readonly string[]): string | undefined {
  const { argument, verb } = command;
  const [operand, extra] = operands;
  const help = `see carillon ${group} ${verb} --help`;
  const unexpected = argument === undefined ? operand : extra;
  if (unexpected !== undefined) throw new UsageError(`unexpected ${quote(unexpected)}; ${help}`);
  if (argument?.required && (operand === undefined || operand === '')) {
    throw new UsageError(`${group} ${verb} needs <${argument.name}>: ${lower(argument.about)}; ${help}`);
  }
  return operand;
}

function unknownFlag(group: Group, { verb }: Command, flag: string, known: readonly string[]): UsageError {
  return new UsageError(
    `${quote(flag)} is not an option${didYouMean(flag, known)}; see carillon ${group} ${verb} --help`,
  );
}

function usageOf({ flag, value }: Option): string {
  return `${flag} <${value}>`;
}

/** A sentence in the middle of another. */
function lower(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, '');
}
