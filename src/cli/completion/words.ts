import {
  COMMANDS,
  SETTING_KEYS,
  SETTINGS,
  type Setting,
  settingNames,
} from '../../server/config/settings.ts';
import { CLIENT_COMMANDS } from '../client/all-commands.ts';
import {
  COMMON,
  type Command,
  GROUP_TITLES,
  GROUPS,
  LONE,
  LONE_ALIASES,
  LONE_TITLES,
  OFFLINE,
  OFFLINE_TITLES,
  type Option,
} from '../client/command.ts';
import { LONE_COMMANDS } from '../client/lone.ts';
import { OFFLINE_COMMANDS } from '../offline/commands.ts';
import { SERVER_TITLES } from '../program-help.ts';

/** What may stand behind a flag, or behind a command. */
export type Value =
  /** One of these. */
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'file' }
  /** Something that no table knows. */
  | { readonly kind: 'other' };

export interface FlagWords {
  /** `--file`, and `-f` if there is that. */
  readonly flags: readonly string[];
  /** Undefined for a switch. */
  readonly value: Value | undefined;
  readonly many: boolean;
  readonly about: string;
}

/** A command that can be completed. */
export interface CommandWords {
  /** What stands behind `carillon`; an alias makes another. */
  readonly path: readonly [string] | readonly [string, string];
  readonly about: string;
  readonly flags: readonly FlagWords[];
  /** What stands behind it besides flags, if anything does. */
  readonly operand: Value | undefined;
}

export interface Words {
  /** What stands behind `carillon`. */
  readonly first: readonly { readonly word: string; readonly about: string }[];
  readonly commands: readonly CommandWords[];
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

const HELP: FlagWords = { flags: ['--help'], value: undefined, many: false, about: 'Print this.' };

/** All that can be written, from the tables that the program itself and its help go by. */
export function allWords(): Words {
  const servers = COMMANDS.map(
    (command): CommandWords => ({
      path: [command],
      about: SERVER_TITLES[command],
      flags: [...settingFlags(), HELP],
      operand: undefined,
    }),
  );
  const groups = GROUPS.flatMap((group) =>
    CLIENT_COMMANDS[group].flatMap((command) =>
      [command.verb, ...(command.alias === undefined ? [] : [command.alias])].map((verb) =>
        clientWords([group, verb], command),
      ),
    ),
  );
  const lone = [...LONE.map((word) => [word, word] as const), ...LONE_ALIASES].map(([word, command]) =>
    clientWords([word], LONE_COMMANDS[command]),
  );
  return {
    first: [
      ...COMMANDS.map((word) => ({ word, about: SERVER_TITLES[word] })),
      ...GROUPS.map((word) => ({ word, about: GROUP_TITLES[word] })),
      ...LONE.map((word) => ({ word, about: LONE_TITLES[word] })),
      ...OFFLINE.map((word) => ({ word, about: OFFLINE_TITLES[word] })),
      { word: 'completion', about: 'print what makes a shell complete commands' },
      { word: 'help', about: 'print what a command takes' },
      { word: 'version', about: 'print the version' },
    ],
    commands: [
      ...servers,
      ...groups,
      ...lone,
      ...OFFLINE.map((word) => clientWords([word], OFFLINE_COMMANDS[word])),
      {
        path: ['completion'],
        about: '',
        flags: [HELP],
        operand: { kind: 'words', words: SHELLS },
      },
      {
        path: ['help'],
        about: '',
        flags: [],
        operand: { kind: 'words', words: [...COMMANDS, ...GROUPS, ...LONE, ...OFFLINE, 'completion'] },
      },
    ],
  };
}

function clientWords(path: CommandWords['path'], command: Command): CommandWords {
  const { argument } = command;
  return {
    path,
    about: command.about,
    flags: [...command.options, ...(command.common ?? COMMON)].map(flagWords),
    operand: argument && (argument.name === 'file' ? { kind: 'file' } : { kind: 'other' }),
  };
}

function flagWords({ flag, short, value, many = false, about }: Option): FlagWords {
  return {
    flags: short === undefined ? [flag] : [flag, short],
    value: value === undefined ? undefined : behind(value),
    many,
    about,
  };
}

function settingFlags(): FlagWords[] {
  const flags = SETTING_KEYS.map((key): FlagWords => {
    const { type, about }: Setting<unknown> = SETTINGS[key];
    const value = type.shape === 'switch' ? undefined : behind(type.placeholder);
    return { flags: [settingNames(key).flag], value, many: type.shape === 'list', about: `${about}.` };
  });
  const about = 'The file to read settings from.';
  return [...flags, { flags: [settingNames('config').flag], value: { kind: 'file' }, many: false, about }];
}

/** By what stands for a value in help: `yaml|json`, `path`, `@file|-`. */
function behind(placeholder: string): Value {
  const parts = placeholder.split('|');
  if (parts.some((part) => /^@?(?:file|path)$/.test(part))) return { kind: 'file' };
  // `host:port|off` has a part that stands for something else.
  if (parts.length > 1 && parts.every((part) => /^[a-z][a-z-]*$/.test(part)) && !parts.includes('text')) {
    return { kind: 'words', words: parts };
  }
  return { kind: 'other' };
}
