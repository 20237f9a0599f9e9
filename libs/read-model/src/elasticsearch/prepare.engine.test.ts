import { Client } from '@elastic/elasticsearch';
import { StartupError } from '@ordermesh/service';
import { isMissing, testIndexPrefix } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { never } from '../testing/view-store.ts';
import { viewIndices } from './indices.ts';
import { prepareElasticsearchView } from './prepare.ts';

describe.skipIf(isMissing('elasticsearch'))('prepareElasticsearchView()', () => {
  let client: Client;
  let url: string;
  const prefix = testIndexPrefix();
  beforeAll(() => {
    url = inject('elasticsearchUrl');
    client = new Client({ node: url });
  });
  afterAll(async () => {
    const mine = Object.keys(await client.indices.get({ index: `${prefix}*` }));
    if (mine.length > 0) await client.indices.delete({ index: mine });
    await client.close();
  });
  const prepare = (projection: string) => prepareElasticsearchView({ url, projection }, never);

  test('makes three indices, each behind its alias, however many processes start at once', async () => {
    const projection = `${prefix}many@000001`;
    await Promise.all(Array.from({ length: 8 }, () => prepare(projection)));
    await prepare(projection);
    const aliases = await client.indices.getAlias({ index: `${prefix}many*` });
    expect(aliases).toEqual({
      [projection]: { aliases: { [`${prefix}many`]: { is_write_index: true } } },
      [`${projection}-checkpoints`]: {
        aliases: { [`${prefix}many-checkpoints`]: { is_write_index: true } },
      },
      [`${projection}-dead-letters`]: {
        aliases: { [`${prefix}many-dead-letters`]: { is_write_index: true } },
      },
    });
  });

  test('refuses an index with another mapping, and says which field', async () => {
    const projection = `${prefix}other@000001`;
    const { index, alias, mappings } = viewIndices(projection).views;
    const { order_id: _, ...rest } = mappings.properties;
    const properties = { ...rest, total: { type: 'integer' } } as never;
    await client.indices.create({
      index,
      mappings: { dynamic: 'strict', properties },
      aliases: { [alias]: { is_write_index: true } },
    });
    const error = (await prepare(projection).catch((thrown: unknown) => thrown)) as StartupError;
    expect(error).toBeInstanceOf(StartupError);
    expect(error.lines).toHaveLength(1);
    expect(error.message).toContain('order_id is absent and must be {"type":"keyword"}');
    expect(error.message).toContain('total is {"type":"integer"} and must be {"type":"long"}');
  });

  test('takes an index that has more fields', async () => {
    const projection = `${prefix}more@000001`;
    await prepare(projection);
    await client.indices.putMapping({
      index: projection,
      properties: { later: { type: 'keyword' } },
    });
    await prepare(projection);
  });

  test('refuses an alias that points to another generation', async () => {
    await prepare(`${prefix}next@000002`);
    const refused = prepare(`${prefix}next@000001`);
    await expect(refused).rejects.toThrow(StartupError);
    await expect(refused).rejects.toThrow(`points to ${prefix}next@000002;`);
  });

  test('waits for a cluster that is away until its signal fires', async () => {
    const abort = new AbortController();
    const errors: unknown[] = [];
    const onWaiting = (error: unknown) => {
      if (errors.push(error) === 2) abort.abort(new Error('stopping'));
    };
    const away = { url: 'http://127.0.0.1:1', projection: 'x@000001', onWaiting };
    await expect(prepareElasticsearchView(away, abort.signal)).rejects.toThrow('stopping');
    expect(errors).toHaveLength(2);
  });
});
