import { counter, histogram } from '@ordermesh/telemetry';

/** What loading costs, and what cache and snapshots save. */
export const loadMetrics = {
  /** `from`: what the events were folded onto, `start`, `snapshot` or `cache`. */
  rehydrateEvents: histogram('ordermesh.eventstore.rehydrate.events', {
    description: 'Events read and folded to load one stream.',
    unit: '{event}',
    boundaries: [0, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000],
  }),
  cacheHits: counter('ordermesh.eventstore.cache.hits', {
    description: 'Commands whose stream was in the cache.',
    unit: '{command}',
  }),
  cacheMisses: counter('ordermesh.eventstore.cache.misses', {
    description: 'Commands whose stream was not in the cache.',
    unit: '{command}',
  }),
  snapshotHits: counter('ordermesh.eventstore.snapshot.hits', {
    description: 'Loads that began at a snapshot.',
    unit: '{load}',
  }),
  /** `reason`: `schema`, made by a release with another state, or `damaged`. */
  snapshotDiscards: counter('ordermesh.eventstore.snapshot.discards', {
    description: 'Loads that found a snapshot and could not use it.',
    unit: '{load}',
  }),
  /** `outcome`: `stored`, `failed`, or `dropped` because too many were waiting or the process stopped. */
  snapshotWrites: counter('ordermesh.eventstore.snapshot.writes', {
    description: 'Snapshots that were due.',
    unit: '{snapshot}',
  }),
};

loadMetrics.cacheHits.add(0);
loadMetrics.cacheMisses.add(0);
loadMetrics.snapshotHits.add(0);
for (const reason of ['schema', 'damaged']) loadMetrics.snapshotDiscards.add(0, { reason });
for (const outcome of ['stored', 'failed', 'dropped'])
  loadMetrics.snapshotWrites.add(0, { outcome });
