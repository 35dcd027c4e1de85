import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runClientProcess } from '../../support/client-process.ts';
import { temporaryFolder } from '../../support/server.ts';

const PATIENCE = { timeout: 300_000 };

describe('what carillon completion bash prints', PATIENCE, () => {
  for (const [line, some, without] of [
    ['carillon ', ['dev', 'serve', 'webhooks', 'status', 'completion'], ['register']],
    ['carillon we', ['webhooks'], ['events']],
    ['carillon webhooks ', ['register', 'list', 'ls', 'rm'], ['publish']],
    ['carillon events l', ['list', 'ls'], ['get']],
    ['carillon webhooks register --sch', ['--schedule-jitter'], ['--name']],
    ['carillon webhooks ls --', ['--state', '--page-token', '--json', '--address'], ['--every']],
    ['carillon webhooks list --state ', ['active', 'paused', 'disabled'], ['--json']],
    ['carillon webhooks list --state=', ['active', 'paused', 'disabled'], []],
    ['carillon webhooks list --state=p', ['paused'], ['active']],
    ['carillon deliveries list --state s', ['succeeded'], ['pending']],
    ['carillon webhooks list --name ', [], ['--json', 'active']],
    ['carillon serve --log-f', ['--log-format'], []],
    ['carillon serve --log-format ', ['json', 'pretty'], []],
    ['carillon apply -f ho', ['hooks.yaml', 'hours'], ['other.json']],
    ['carillon apply --exit', ['--exit-code'], []],
    ['carillon events publish order.paid --data @ho', ['@hooks.yaml'], ['hooks.yaml']],
    ['carillon import-crontab oth', ['other.json'], []],
    ['carillon completion ', ['bash', 'zsh', 'fish'], []],
    ['carillon help sch', ['schedules'], []],
  ] as const) {
    it(`makes bash complete ${JSON.stringify(line)}`, async () => {
      await using folder = await temporaryFolder();
      for (const name of ['hooks.yaml', 'hours', 'other.json']) await writeFile(join(folder.path, name), '');
      const { code, out, err } = await runClientProcess('', ['completion', 'bash'], { cwd: folder.path });
      assert.deepEqual([code, err], [0, '']);
      await writeFile(join(folder.path, 'completion.bash'), out);
      const offered = offeredBy(folder.path, line);
      for (const word of some) assert.ok(offered.includes(word), `${word} is not in ${offered.join(' ')}`);
      for (const word of without) assert.ok(!offered.includes(word), `${word} is in ${offered.join(' ')}`);
    });
  }
});

/** What bash would offer at the end of a line, which it takes apart as readline does. */
function offeredBy(cwd: string, line: string): string[] {
  const words = line.split(/(?<==)|(?==)| /).filter((word, i, all) => word !== '' || i === all.length - 1);
  if (line.endsWith('=')) words.splice(-1, 1, '=');
  const script = [
    'source ./completion.bash',
    `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})`,
    `COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))`,
    '_carillon',
    `printf "%s\\n" "\${COMPREPLY[@]}"`,
  ].join('\n');
  return execFileSync('bash', ['--norc', '-euc', script], { cwd, encoding: 'utf8' }).split('\n');
}
