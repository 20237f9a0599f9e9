import type { Order } from '@ordermesh/contract';

/** Longer words are cut on both sides. PostgreSQL refuses more than 2,046 bytes in a query; 255 is also Elasticsearch's limit. */
const maxLength = 255;

/**
 * Words of a text as search compares them: lower case, NFC, split at everything that is no letter or digit nor a mark upon one. The same function runs
 * over what is stored and over what is asked, so `ada@example.com`, a whole UUID and each of their parts find the same orders in every
 * store, whatever its own tokeniser and locale would do. Repetitions stay: relevance counts them.
 */
export function searchWords(text: string): string[] {
  const words = text.match(/[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu) ?? [];
  return words.map((word) => {
    // Each word by itself: how a Greek sigma becomes lower case depends on what follows it. NFC last: İ decomposes in lower case.
    const folded = word.toLowerCase().normalize('NFC');
    return folded.length > maxLength ? [...folded].slice(0, maxLength).join('') : folded;
  });
}

/** All that search looks at in one order, as words: id, customer name, e-mail, item names. */
export function orderWords(order: Order): string[] {
  const names = order.items.map((item) => item.productName);
  return [order.orderId, order.customerName, order.customerEmail, ...names].flatMap(searchWords);
}
