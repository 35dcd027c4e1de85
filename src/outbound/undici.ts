/**
 * The parts of undici that are used here, by their files: its index also loads fetch, web sockets,
 * caches and mocks, which cost a third of the time to start and 9 MB of memory (docs/adr/0004). The
 * version is pinned, and a file that moved would be noticed by every test.
 */
import type * as undici from 'undici';
import undiciErrors from 'undici/lib/core/errors.js';
import client from 'undici/lib/dispatcher/client.js';
import pool from 'undici/lib/dispatcher/pool.js';

export const Client: typeof undici.Client = client;
export const Pool: typeof undici.Pool = pool;
export type Pool = undici.Pool;
export const errors: typeof undici.errors = undiciErrors;
