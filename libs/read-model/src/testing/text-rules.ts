import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { storedOrder } from './stored-orders.ts';
import { never, type OpenViewStore, put, type ViewStore } from './view-store.ts';

const orderId = '1e5e5a00-e29b-41d4-a716-00446655440f';
const order = storedOrder({ orderId, items: ['Straße Lamp 3.14', 'ÄRGER-Stop für Ⅷ हिन्दी'] }, [
  "Zoë O'Neil-Łukasz",
  'Zoe.Neil+shop@Sub.Example.COM',
]);
/** Shares some words with the first one. */
const other = storedOrder({ items: ['Lamp', 'Chair'] }, ['Bob Neil', 'bob@example.com']);

const hits = [
  ['an order id', orderId],
  ['an order id in upper case', orderId.toUpperCase()],
  ['the first part of an order id', '1e5e5a00'],
  ['a part of an order id that looks like a number', '00446655440f'],
  ['a name', 'zoë'],
  ['a name in decomposed form', 'Zoe\u0308'],
  ['a part of a compound name', 'łukasz'],
  ['a compound name', "O'NEIL-ŁUKASZ"],
  ['an e-mail address', 'zoe.neil+shop@sub.example.com'],
  ['the local part', 'zoe.neil'],
  ['the domain', 'SUB.EXAMPLE'],
  ['an item, non-ASCII, in lower case', 'ärger'],
  ['an item, non-ASCII, in upper case', 'STRAßE FÜR'],
  ['a number with a point', '3.14'],
  ['a letter that is a number', 'ⅷ'],
  ['a script with combining marks', 'हिन्दी'],
  ['words of all four fields in any order', 'lamp e29b sub zoë stop'],
  ['a word twice', 'lamp lamp'],
  ['words between emojis', '💡lamp❤\ufe0f zoë'],
  ['words between punctuation', '"lamp" & (stop | ! ärger:*) <-> \\zoë\\'],
] as const;

const misses = [
  ['one word of several that is missing', 'zoë lamp chair'],
  ['the beginning of a word', 'strass zo'],
  ['a prefix operator', 'lam:*'],
  ['a negation', '!lamp zzz'],
  ['only punctuation', '-:*&|!()<>"\'\\ %_'],
  ['blanks', '   '],
  ['an emoji', '💡'],
  ['an emoji with a variation selector', '❤\ufe0f'],
  ['half an emoji', '\ud83d'],
  ['a NUL', '\0'],
  ['SQL', "x'); DROP TABLE order_view; --"],
  ['a word of 500 letters', 'Ж'.repeat(500)],
  ['500 quotes', "'".repeat(500)],
  ['500 words', 'a '.repeat(250)],
] as const;

/** What text finds. */
export function textRules(open: OpenViewStore): void {
  describe('text', () => {
    let store: ViewStore;
    beforeAll(async () => {
      store = await open();
      await put(store, [order, other]);
    });
    afterAll(() => store[Symbol.asyncDispose]());

    const search = async (query: string) => {
      const page = await store.reader.search(
        { owner: undefined, query, orderBy: 'relevance', limit: 10 },
        never,
      );
      return page.orders.map((found) => found.orderId);
    };

    test.each(hits)('finds by %s', async (_, query) => {
      const found = await search(query);
      expect(found).toContain(orderId);
      if (query.startsWith('lamp lamp')) expect(found).toContain(other.order.orderId);
      else expect(found).toHaveLength(1);
    });

    test.each(misses)('finds nothing by %s', async (_, query) => {
      expect(await search(query)).toEqual([]);
      expect(await store.reader.get(orderId, undefined, never)).toEqual(order);
    });

    test('finds every order by an absent or empty query', async () => {
      for (const query of [undefined, '']) {
        const page = await store.reader.search(
          { owner: undefined, query, orderBy: 'total', limit: 10 },
          never,
        );
        expect(page.orders).toHaveLength(2);
      }
    });

    test('cuts a word of 600 letters on both sides alike', async () => {
      const word = '𐐨'.repeat(600);
      const long = storedOrder({ orderId: randomUUID(), items: [word] });
      await put(store, [long]);
      expect(await search(word)).toEqual([long.order.orderId]);
    });

    test('finds by new customer fields and no longer by old ones', async () => {
      const id = randomUUID();
      const married = storedOrder({ orderId: id, later: ['OrderConfirmed'] }, [
        'Ada Quux',
        'q@x.org',
      ]);
      await put(store, [storedOrder({ orderId: id }, ['Ada Bazbar', 'b@x.org'])]);
      expect(await search('bazbar')).toEqual([id]);
      await put(store, [married]);
      expect([await search('bazbar'), await search('quux')]).toEqual([[], [id]]);
    });
  });
}
