/**
 * Runs histories and prints those that went wrong: `node test/sim/main.ts 1 10000` runs these seeds, and with one seed
 * it tells all that happens in it. Ends with exit code 1 if a promise was broken.
 */
import { runHistory, STORM_MS } from './history.ts';

const [first = 1, last = first] = process.argv.slice(2).map(Number);
const tell = (line: string): void => console.log(line);
let broken = 0;
let buried = 0;
let deliveries = 0;

for (let seed = first; seed <= last; seed++) {
  const told = await runHistory({ seed, stormMs: STORM_MS, ...(first === last && { tell }) });
  buried += told.buried;
  deliveries += told.deliveries;
  if (told.violations.length === 0) continue;
  broken++;
  tell(`seed ${seed}: ${told.violations.join('; ')}`);
}
tell(`${last - first + 1} histories, ${deliveries} deliveries, ${buried} burials: ${broken} broken`);
if (broken > 0) process.exitCode = 1;
