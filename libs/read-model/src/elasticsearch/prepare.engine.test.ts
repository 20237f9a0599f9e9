import { Client } from '@elastic/elasticsearch';
import { StartupError } from '@ordermesh/service';
import { isMissing, testIndexPrefix } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { never } from '../testing/view-store.ts';
import { basedAlias, type ViewIndex, viewIndices } from './indices.ts';
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
  const uuid = async ({ index }: ViewIndex) =>
    (await client.indices.get({ index }))[index]?.settings?.index?.uuid ?? '';
  const prepare = (projection: string) => prepareElasticsearchView({ url, projection }, never);

  test('makes three indices, each behind its alias, however many processes start at once', async () => {
    const projection = `${prefix}many@000001`;
    await Promise.all(Array.from({ length: 8 }, () => prepare(projection)));
    await prepare(projection);
    const aliases = await client.indices.getAlias({ index: `${prefix}many*` });
    const { views, deadLetters, checkpoints } = viewIndices(projection);
    const write = { is_write_index: true };
    const based = async (index: ViewIndex, on: ViewIndex) => ({
      aliases: { [index.alias]: write, [basedAlias(index, await uuid(on))]: write },
    });
    expect(aliases).toEqual({
      [views.index]: { aliases: { [views.alias]: write } },
      [deadLetters.index]: await based(deadLetters, views),
      [checkpoints.index]: await based(checkpoints, deadLetters),
    });
  });

  test.each([
    ['views', ['views', 'deadLetters', 'checkpoints']],
    ['deadLetters', ['deadLetters', 'checkpoints']],
    ['checkpoints', ['checkpoints']],
  ] as const)('makes what is based on lost %s anew, and nothing else', async (lost, remade) => {
    const indices = viewIndices(`${prefix}lost-${lost.toLowerCase()}@000001`);
    await prepare(indices.views.index);
    const uuids = async () => {
      const { views, deadLetters, checkpoints } = indices;
      return {
        views: await uuid(views),
        deadLetters: await uuid(deadLetters),
        checkpoints: await uuid(checkpoints),
      };
    };
    const before = await uuids();
    await client.indices.delete({ index: indices[lost].index });
    await Promise.all(Array.from({ length: 4 }, () => prepare(indices.views.index)));
    const after = await uuids();
    const changed = Object.entries(after).filter(([name, id]) => id !== before[name as 'views']);
    expect(changed.map(([name]) => name)).toEqual(remade);
    await prepare(indices.views.index);
    expect(await uuids()).toEqual(after);
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
