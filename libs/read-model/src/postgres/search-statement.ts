import type { Statement } from '@ordermesh/postgres';
import { ceilMicrosOf, isoOfMicros } from '../created-micros.ts';
import { keysetParts } from '../keyset.ts';
import type { Keyset, OrderBy, SearchOrders } from '../order-view-reader.ts';
import { searchWords } from '../search-words.ts';
import { isUuid } from '../uuid.ts';

/** How each order sorts: expression, direction, SQL that turns a keyset's text into the expression's type. */
const sorts: Record<OrderBy, { by: string; descending: boolean; keyset(at: string): string }> = {
  'createdAt desc': { by: 'created_at', descending: true, keyset: (at) => `${at}::timestamptz` },
  createdAt: { by: 'created_at', descending: false, keyset: (at) => `${at}::timestamptz` },
  'total desc': { by: 'total', descending: true, keyset: (at) => `${at}::bigint` },
  total: { by: 'total', descending: false, keyset: (at) => `${at}::bigint` },
  // float4; its text form reads back as the same number.
  relevance: { by: 'rank', descending: true, keyset: (at) => `${at}::real` },
};

/**
 * The statement of one page and one row more, which tells whether there is a next page; rows are `{doc, rank}`, rank as text and null without
 * words. Undefined when nothing can match: a query without any word, an owner that is no customer id.
 */
export function searchStatement(search: SearchOrders): Statement | undefined {
  if (search.owner !== undefined && !isUuid(search.owner)) return undefined;
  const values: unknown[] = [];
  const parameter = (value: unknown) => `$${values.push(value)}`;
  const conditions = filters(search, parameter);
  let rank = 'NULL::real';
  if (search.query !== undefined && search.query !== '') {
    const words = searchWords(search.query);
    if (words.length === 0) return undefined;
    // Of letters, digits and blanks only; plainto_tsquery would take any other text for words, too, never for operators.
    const tsquery = `plainto_tsquery('simple', ${parameter(words.join(' '))})`;
    conditions.push(`search @@ ${tsquery}`);
    if (search.orderBy === 'relevance') rank = `ts_rank(search, ${tsquery})`;
  } else if (search.orderBy === 'relevance') {
    throw new TypeError('relevance needs a query');
  }
  const { by, descending, keyset } = sorts[search.orderBy];
  const sorted = by === 'rank' ? rank : by;
  if (search.after !== undefined) {
    const [value, orderId] = keysetOf(search.after, search.orderBy);
    const at = keyset(parameter(value));
    const beyond = descending ? '<' : '>';
    // The first half bounds the index scan, the second skips the ties that the previous page had.
    conditions.push(
      `${sorted} ${beyond}= ${at} AND (${sorted} ${beyond} ${at} OR order_id > ${parameter(orderId)})`,
    );
  }
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  return {
    text: `SELECT doc, (${rank})::text AS rank FROM order_view ${where}
      ORDER BY ${sorted} ${descending ? 'DESC' : 'ASC'}, order_id LIMIT ${parameter(search.limit + 1)}`,
    values,
  };
}

function filters(search: SearchOrders, parameter: (value: unknown) => string): string[] {
  const all: string[] = [];
  if (search.owner !== undefined) all.push(`customer_id = ${parameter(search.owner)}`);
  if (search.status !== undefined && search.status.length > 0)
    all.push(`status = ANY(${parameter([...search.status])}::smallint[])`);
  if (search.customerId !== undefined) all.push(`customer_id = ${parameter(search.customerId)}`);
  if (search.currencyCode !== undefined)
    all.push(`currency_code = ${parameter(search.currencyCode)}`);
  if (search.createdAfter !== undefined)
    all.push(`created_at >= ${parameter(isoOfMicros(ceilMicrosOf(search.createdAfter)))}`);
  if (search.createdBefore !== undefined)
    all.push(`created_at < ${parameter(isoOfMicros(ceilMicrosOf(search.createdBefore)))}`);
  if (search.minTotal !== undefined) all.push(`total >= ${parameter(String(search.minTotal))}`);
  if (search.maxTotal !== undefined) all.push(`total <= ${parameter(String(search.maxTotal))}`);
  return all;
}

/** Sort value, as PostgreSQL reads it, and order id. */
function keysetOf(after: Keyset, orderBy: OrderBy): [string, string] {
  const [value, orderId] = keysetParts(after);
  const time = orderBy === 'createdAt' || orderBy === 'createdAt desc';
  return [time ? isoOfMicros(BigInt(value)) : value, orderId];
}
