import type { Scenario } from '../scenario.ts';
export const history: Scenario = { name: 'history', about: '', deadlineMs: 1, async run() {} };
