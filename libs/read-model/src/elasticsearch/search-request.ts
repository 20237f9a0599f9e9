import type { estypes } from '@elastic/elasticsearch';
import { ceilMicrosOf } from '../created-micros.ts';
import { keysetParts } from '../keyset.ts';
import type { OrderBy, SearchOrders } from '../order-view-reader.ts';
import { searchWords } from '../search-words.ts';
import { repetitionTokens } from './word-tokens.ts';

const sorts: Record<OrderBy, estypes.SortCombinations> = {
  'createdAt desc': { created_at: 'desc' },
  createdAt: { created_at: 'asc' },
  'total desc': { total: 'desc' },
  total: { total: 'asc' },
  relevance: { _score: { order: 'desc' } },
};

/**
 * One page and one order more, which tells whether there is a next page. Undefined when nothing can match: a query without any word. Sort values and
 * bounds are texts, which a `long` takes exactly.
 * @throws TypeError for relevance without a query, and for a keyset that is none
 */
export function searchRequest(search: SearchOrders): estypes.SearchRequest | undefined {
  const relevance = search.orderBy === 'relevance';
  const bool: estypes.QueryDslBoolQuery = { filter: filters(search) };
  if (search.query !== undefined && search.query !== '') {
    const words = [...new Set(searchWords(search.query))];
    if (words.length === 0) return undefined;
    const all = { match: { words: { query: words.join(' '), operator: 'and' as const } } };
    if (relevance) {
      bool.must = all;
      bool.should = { match: { words: repetitionTokens(words).join(' ') } };
    } else {
      bool.filter = [...filters(search), all];
    }
  } else if (relevance) {
    throw new TypeError('relevance needs a query');
  }
  return {
    query: { bool },
    sort: [sorts[search.orderBy], { order_id: 'asc' }],
    ...(search.after && { search_after: keysetParts(search.after) }),
    size: search.limit + 1,
    _source: ['doc'],
  };
}

function filters(search: SearchOrders): estypes.QueryDslQueryContainer[] {
  const {
    owner,
    status,
    customerId,
    currencyCode,
    createdAfter,
    createdBefore,
    minTotal,
    maxTotal,
  } = search;
  const all: estypes.QueryDslQueryContainer[] = [];
  if (owner !== undefined) all.push({ term: { customer_id: owner } });
  if (status !== undefined && status.length > 0) all.push({ terms: { status: [...status] } });
  if (customerId !== undefined) all.push({ term: { customer_id: customerId } });
  if (currencyCode !== undefined) all.push({ term: { currency_code: currencyCode } });
  if (createdAfter !== undefined)
    all.push({ range: { created_at: { gte: String(ceilMicrosOf(createdAfter)) } } });
  if (createdBefore !== undefined)
    all.push({ range: { created_at: { lt: String(ceilMicrosOf(createdBefore)) } } });
  if (minTotal !== undefined) all.push({ range: { total: { gte: String(minTotal) } } });
  if (maxTotal !== undefined) all.push({ range: { total: { lte: String(maxTotal) } } });
  return all;
}
