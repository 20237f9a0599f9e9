import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cacheFolder } from './cache-folder.ts';

test('is ENGINES_CACHE, else below XDG_CACHE_HOME, else below ~/.cache', () => {
  expect(cacheFolder({ ENGINES_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a');
  expect(cacheFolder({ XDG_CACHE_HOME: '/b' })).toBe('/b/ordermesh/engines');
  expect(cacheFolder({})).toBe(join(homedir(), '.cache/ordermesh/engines'));
});
