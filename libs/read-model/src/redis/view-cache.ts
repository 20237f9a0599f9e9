import { untilAborted } from '@ordermesh/service';
import { counter } from '@ordermesh/telemetry';
import { newestViews } from '../newest-views.ts';
import { isShownTo, type Owner } from '../owner.ts';
import type { ViewCache } from '../view-cache.ts';
import { closeRedis, connectRedis, type RedisConnectionOptions } from './connection.ts';
import { decodeEntry, encodeEntry, entryFields, entryKey } from './entry.ts';
import { putEntry } from './put-entry.ts';

const unusable = counter('ordermesh.read_cache.unusable', {
  description: 'Entries that were no view of ours: of another origin, or undecodable.',
  unit: '{entry}',
});

/** Options of {@link redisViewCache}. */
export interface RedisViewCacheOptions extends RedisConnectionOptions {
  /**
   * Tells views apart that share one Redis (`viewOrigin`). It is kept in the entry: keys are the same for everybody, so a process that finds
   * another's entry takes it for none and replaces it.
   */
  readonly origin: string;
}

/** A cache of views in Redis: a hash per order, which Redis drops an hour after it was last written. Connects at once, and again whenever it has to. */
export function redisViewCache({ origin, ...connection }: RedisViewCacheOptions): ViewCache {
  const redis = connectRedis(connection);
  for (const kind of ['foreign', 'undecodable']) unusable.add(0, { kind });

  async function read(orderId: string, owner: Owner) {
    const key = entryKey(orderId);
    const isOtherType = (error: Error) => {
      if (!error.message.startsWith('WRONGTYPE')) throw error;
      return undefined;
    };
    // Written in one go, so one round trip. The time is the server's, as is that of the entry.
    const [values, [seconds, micros]] = await Promise.all([
      redis.hmgetBuffer(key, ...entryFields).catch(isOtherType),
      redis.time(),
    ]);
    const entry = values ? decodeEntry(orderId, origin, values) : ({ kind: 'foreign' } as const);
    if (entry.kind === 'view') {
      if (!isShownTo(owner, entry.stored.order)) return undefined;
      const nowMs = Number(seconds) * 1_000 + Number(micros) / 1_000;
      return { stored: entry.stored, ageMs: Math.max(0, Math.floor(nowMs - entry.writtenMs)) };
    }
    if (entry.kind === 'absent') return undefined;
    unusable.add(1, { kind: entry.kind });
    // Its revision may be as wrong as the rest and would refuse every write. Sent before whatever the caller writes next.
    if (entry.kind === 'undecodable') redis.unlink(key).catch(() => undefined);
    return undefined;
  }

  async function write(orders: Parameters<ViewCache['put']>[0]) {
    const kept = await Promise.all(
      newestViews(orders).map((stored) =>
        putEntry(redis, entryKey(stored.order.orderId), encodeEntry(origin, stored)),
      ),
    );
    return kept.filter((isKept) => !isKept).length;
  }

  return {
    async get(orderId, owner, signal) {
      signal.throwIfAborted();
      return untilAborted(read(orderId, owner), signal);
    },
    async put(orders, signal) {
      signal.throwIfAborted();
      return untilAborted(write(orders), signal);
    },
    [Symbol.asyncDispose]: () => closeRedis(redis),
  };
}
