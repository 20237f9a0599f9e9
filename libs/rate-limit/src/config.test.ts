import { readSettings } from '@ordermesh/service';
import { expect, test } from 'vitest';
import { chosenLimits, rateLimitSettings } from './config.ts';

const chosen = (env: Record<string, string>) => chosenLimits(readSettings(env, rateLimitSettings));

test('counts in the Redis of its own, else in that of the others, else in the process', () => {
  const urls = { RATE_LIMIT_REDIS_URL: 'redis://limits/1', REDIS_URL: 'redis://cache' };
  expect(chosen(urls)?.redisUrl).toBe('redis://limits/1');
  expect(chosen({ REDIS_URL: 'redis://cache' })?.redisUrl).toBe('redis://cache');
  expect(chosen({})?.redisUrl).toBeUndefined();
});

test('limits nobody when it is switched off', () => {
  expect(chosen({ RATE_LIMIT: 'off', REDIS_URL: 'redis://cache' })).toBeUndefined();
});

test('limits addresses too where callers are known only by their tokens, unless told how', () => {
  const names = (env: Record<string, string>, beforeTokens: boolean) =>
    chosenLimits(readSettings(env, rateLimitSettings), beforeTokens)?.config.policies.map(
      ({ name }) => name,
    );
  const own = (by: string) => `{"policies":[{"name":"mine","by":"${by}","burst":5,"perSecond":5}]}`;
  expect(names({}, false)).toEqual(['client']);
  expect(names({}, true)).toEqual(['address', 'client']);
  expect(names({ RATE_LIMIT_CONFIG: own('caller') }, true)).toEqual(['address', 'mine']);
  expect(names({ RATE_LIMIT_CONFIG: own('address') }, true)).toEqual(['mine']);
});

test.each([
  ['RATE_LIMIT_REDIS_URL', 'redis://limits/orders'],
  ['RATE_LIMIT_CONFIG', '{'],
  ['RATE_LIMIT', 'maybe'],
])('names %s when it is %s', (variable, value) => {
  expect(() => chosen({ [variable]: value })).toThrow(variable);
});
