import { registerHooks } from 'node:module';

// Preloaded into the server of the suite, which compares errors with all of their details and knows none of ours:
// here they have none. All else of the transport is as it is.

const REAL = new URL('../../../src/rpc/error-info.ts', import.meta.url).href;
const STAND_IN = new URL('./error-info.ts', import.meta.url).href;

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    return resolved.url === REAL && context.parentURL !== STAND_IN
      ? { ...resolved, url: STAND_IN }
      : resolved;
  },
});
