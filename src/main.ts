#!/usr/bin/env node
import { nodeRefusal } from './cli/node-version.ts';

// Nothing else is imported up here: a Node that is too old must get as far as saying so.
const refusal = nodeRefusal(process.versions.node);
if (refusal === undefined) {
  const { main } = await import('./cli/main.ts');
  await main();
} else {
  process.stderr.write(`${refusal}\n`);
  process.exitCode = 1;
}
