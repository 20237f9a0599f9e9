import { isMissing } from '@ordermesh/testing';
import { describe } from 'vitest';
import { orderViewConformance } from '../testing/index.ts';
import { openElasticsearchStore } from './open-test-store.ts';

describe.skipIf(isMissing('elasticsearch'))('store', () => {
  orderViewConformance('Elasticsearch', openElasticsearchStore);
});
