#!/usr/bin/env node
import { nodeRefusal } from './cli/node-version.ts';

// Nothing else is imported up here: a Node that is too old must get as far as saying so.
const refusal = nodeRefusal(process.versions.node);
if (refusal === undefined) {
  const { enableCompileCache } = await import('node:module');
  // Halves the time to load the sources. Beside the program, and not in the folder for temporary files
  // that is Node's default: there another user could leave compiled code for us to run. A folder that
  // cannot be written does no harm. Threads look at the variable only.
  process.env.NODE_COMPILE_CACHE ??= `${import.meta.dirname}/../node_modules/.cache/carillon`;
  enableCompileCache(process.env.NODE_COMPILE_CACHE);
  // Names are looked up on libuv's threads, half of which a slow name server may hold up at a time; the
  // default is four. Read when the first is started.
  process.env.UV_THREADPOOL_SIZE ??= '16';
  const { collectYoungGenerationAlone, keepYoungGenerationSmall } = await import('./cli/young-generation.ts');
  keepYoungGenerationSmall();
  collectYoungGenerationAlone();
  const { main } = await import('./cli/program.ts');
  await main();
} else {
  process.stderr.write(`${refusal}\n`);
  process.exitCode = 1;
}
