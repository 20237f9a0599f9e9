import { expect, test } from 'vitest';
import { limiterRedis } from './limiter-redis.ts';

test('tells of errors without the command, which may hold the password', () => {
  const told: object[] = [];
  const redis = limiterRedis('redis://127.0.0.1:1', (error) => told.push(error as Error));
  const refused = Object.assign(new Error('WRONGPASS'), { command: { args: ['swordfish'] } });
  redis.emit('error', refused);
  redis.disconnect();
  expect(told).toContain(refused);
  expect(refused).not.toHaveProperty('command');
});
