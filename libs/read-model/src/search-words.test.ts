import fc from 'fast-check';
import { expect, test } from 'vitest';
import { searchWords } from './search-words.ts';

test.each([
  ['ada@example.com', ['ada', 'example', 'com']],
  ['550E8400-e29b', ['550e8400', 'e29b']],
  ["Zoe\u0308 O'Neil_X", ['zo\u00eb', 'o', 'neil', 'x']],
  ['ÄRGER, ΟΔΟΣ.ΟΔΟΣ', ['ärger', 'οδος', 'οδος']],
  ['lamp lamp', ['lamp', 'lamp']],
  ['हिन्दी', ['हिन्दी']],
  [' -:*&|!\0💡❤\ufe0f<\u0338\ud800', []],
  ['lamp❤\ufe0f', ['lamp']],
])('cuts %j', (text, words) => {
  expect(searchWords(text)).toEqual(words);
});

test('gives words that stay the same when they are cut again, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
      const words = searchWords(text);
      expect(searchWords(words.join(' '))).toEqual(words);
      for (const word of words) expect(Buffer.byteLength(word)).toBeLessThan(2047);
    }),
  );
});
