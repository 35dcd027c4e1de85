import {
  COMMANDS,
  CONFIG_FILE,
  type Command,
  SETTING_KEYS,
  SETTINGS,
  type Setting,
  type SettingKey,
  settingNames,
} from './settings.ts';

/** Columns that help is laid out for. */
const WIDTH = 100;
const INDENT = '      ';

/** What each option of a command is and does, for a terminal. */
export function optionsHelp(command: Command): string {
  const options = SETTING_KEYS.map((key) => {
    const setting: Setting<unknown> = SETTINGS[key];
    return option(usage(key), `${setting.about} (${shownDefault(setting, command)}).`);
  });
  const names = settingNames('config');
  options.push(
    option(
      `${names.flag} <path>`,
      `The file to read settings from (default ${CONFIG_FILE}, which need not exist).`,
    ),
    option('--help', 'Print this.'),
  );
  const example = settingNames('logLevel');
  const closing = wrap(
    `Each option can also be set in the environment (${example.env}=debug for ${example.flag} debug) or in ` +
      `${CONFIG_FILE} in the working folder (${example.toml} = "debug"). A flag wins over the environment, and the ` +
      'environment over the file. Anything unknown or not allowed, in any of them, stops the start.',
    '',
  );
  return `Options:\n${options.join('\n')}\n\n${closing}\n`;
}

/** The same as a table in Markdown, for the README. */
export function settingsTable(): string {
  const rows = SETTING_KEYS.map((key) => {
    const setting: Setting<unknown> = SETTINGS[key];
    const { flag, env, toml } = settingNames(key);
    const defaults = COMMANDS.map((command) => code(setting.default[command]));
    return [
      `\`${flag}\`<br>\`${env}\`<br>\`${toml}\``,
      ...defaults,
      `${setting.about}. ${allowed(setting)}`.replaceAll('<', '&lt;'),
    ];
  });
  const header = [
    'Flag, variable, key in the file',
    ...COMMANDS.map((command) => `In \`${command}\``),
    'What it does',
  ];
  const lines = [header, header.map(() => '---'), ...rows];
  return `${lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n')}\n`;
}

function usage(key: SettingKey): string {
  const { type } = SETTINGS[key];
  const { flag } = settingNames(key);
  return type.shape === 'switch' ? `${flag}[=${type.placeholder}]` : `${flag} <${type.placeholder}>`;
}

function option(usage: string, about: string): string {
  return `  ${usage}\n${wrap(about, INDENT)}`;
}

function shownDefault(setting: Setting<unknown>, command: Command): string {
  const value = setting.default[command];
  return value === null ? 'no default' : value === '' ? 'default none' : `default ${value}`;
}

function allowed(setting: Setting<unknown>): string {
  const { allowed } = setting.type;
  // What is to be written just so, such as `ck_`, gets no capital.
  if (!/^[a-z\d]+ /.test(allowed)) return `Give ${allowed}.`;
  return `${allowed.charAt(0).toUpperCase()}${allowed.slice(1)}.`;
}

function code(text: string | null): string {
  return text === null || text === '' ? 'none' : `\`${text}\``;
}

function wrap(text: string, indent: string): string {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line.length > indent.length && line.length + word.length > WIDTH) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()].join('\n');
}
