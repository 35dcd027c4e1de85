// Writes the table of settings between its markers in README.md; with --check, says whether it is fresh.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { settingsTable } from '../src/server/config/settings-help.ts';

const START = '<!-- config:start -->';
const END = '<!-- config:end -->';
const README = join(import.meta.dirname, '../README.md');

const before = readFileSync(README, 'utf8');
const start = before.indexOf(START);
const end = before.indexOf(END);
if (start < 0 || end < start) {
  console.error(`README.md has no ${START} followed by ${END}; put both where the table should be`);
  process.exit(1);
}
const after = `${before.slice(0, start + START.length)}\n${settingsTable()}${before.slice(end)}`;
if (!process.argv.includes('--check')) {
  writeFileSync(README, after);
} else if (after !== before) {
  console.error('the table of settings in README.md is stale; run: node scripts/config-table.ts');
  process.exit(1);
}
