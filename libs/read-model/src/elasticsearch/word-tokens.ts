/** So many occurrences of a word count for relevance. Three tokens more per word of a query stay below Lucene's 1,024 clauses. */
const maxCount = 4;

/**
 * What the index holds of an order's words: each word once, and for a repeated one `2*lamp`, `3*lamp`, …, up to 4. The count of occurrences is
 * all that relevance needs, and as a token it scores the same whatever else the index holds: BM25's scores move with every write (document
 * frequency, average length), so a page that begins behind a score would skip or repeat orders.
 * @param words of `searchWords`, none of which has a `*`
 */
export function wordTokens(words: readonly string[]): string[] {
  const counts = new Map<string, number>();
  const tokens: string[] = [];
  for (const word of words) {
    const count = (counts.get(word) ?? 0) + 1;
    counts.set(word, count);
    if (count <= maxCount) tokens.push(count === 1 ? word : `${count}*${word}`);
  }
  return tokens;
}

/** Tokens that orders with repetitions of these words have. */
export function repetitionTokens(words: readonly string[]): string[] {
  const counts = Array.from({ length: maxCount - 1 }, (_, i) => i + 2);
  return words.flatMap((word) => counts.map((count) => `${count}*${word}`));
}
