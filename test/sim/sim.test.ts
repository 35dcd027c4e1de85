import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runHistory, STORM_MS } from './history.ts';

const SEEDS = 200;

test(`in ${SEEDS} histories of faults, nodes that share a store lose nothing and keep what they promise`, async () => {
  const wrong: string[] = [];
  let buried = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const told = await runHistory({ seed, stormMs: STORM_MS });
    buried += told.buried;
    if (told.violations.length > 0) wrong.push(`node test/sim/main.ts ${seed} # ${told.violations[0]}`);
  }
  assert.deepEqual(wrong, []);
  assert.ok(buried > SEEDS / 4, `only ${buried} nodes were buried: too little goes wrong`);
});

test('a seed makes the same history each time', async () => {
  const [one, two] = [await told(7), await told(7)];
  assert.ok(one.length > 5);
  assert.deepEqual(one, two);
});

async function told(seed: number): Promise<string[]> {
  const lines: string[] = [];
  await runHistory({ seed, stormMs: STORM_MS, tell: (line) => lines.push(line) });
  return lines;
}
