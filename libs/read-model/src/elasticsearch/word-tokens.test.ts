import { expect, test } from 'vitest';
import { repetitionTokens, wordTokens } from './word-tokens.ts';

test('counts repetitions in tokens, up to four', () => {
  expect(wordTokens(['a', 'b', 'a'])).toEqual(['a', 'b', '2*a']);
  expect(wordTokens(Array.from({ length: 9 }, () => 'a'))).toEqual(['a', '2*a', '3*a', '4*a']);
  expect(repetitionTokens(['a'])).toEqual(['2*a', '3*a', '4*a']);
});

test('keeps the longest query below 1,024 clauses', () => {
  const words = Array.from({ length: 250 }, (_, i) => String.fromCodePoint(0x4e00 + i));
  expect(words.length + repetitionTokens(words).length).toBeLessThanOrEqual(1_000);
});
