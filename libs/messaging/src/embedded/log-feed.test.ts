import { expect, it } from 'vitest';
import { parseNotification } from './log-feed.ts';

it('reads which partitions were touched, and up to where', () => {
  expect(parseNotification('3:17,5:9007199254740993')).toEqual([
    { partition: 3, position: 17n },
    { partition: 5, position: 9007199254740993n },
  ]);
});

it.each(['', '3', '3:', '3:17,', ' 3:17', '3:-1', 'x:1', '{"3":17}'])(
  'takes %j as a hint to look everywhere',
  (payload) => {
    expect(parseNotification(payload)).toBeUndefined();
  },
);
