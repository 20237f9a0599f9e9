import type { TestDatabase } from '@ordermesh/testing';
import { afterAll, beforeAll } from 'vitest';
import { logDatabase, type ServedCommand, serveCommand } from './serve-command.ts';

/** The log of the test file that imports this: vitest gives each file its own instance of this module, and its hooks are the file's. */
export let database: TestDatabase;
/** The command service on it. */
export let command: ServedCommand;

beforeAll(async () => {
  database = await logDatabase();
  command = await serveCommand(database.url);
});

afterAll(async () => {
  await command?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});
