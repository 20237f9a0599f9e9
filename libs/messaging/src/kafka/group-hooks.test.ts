import { expect, it } from 'vitest';
import { type ConsumerGroup, consumerGroup, roundRobinWith } from './group-hooks.ts';

/** A membership whose calls to the broker are noted instead of made; a kafkajs that calls others fails here. */
function membership(letGo: () => Promise<void>, calls: string[]) {
  const assigner = roundRobinWith(letGo)({
    groupId: 'g',
    cluster: {} as never,
    logger: {} as never,
  });
  const note = (name: string) => async () => void calls.push(name);
  const group = Object.assign(Object.create(consumerGroup.prototype), {
    assigners: [assigner],
    memberId: 'm',
    coordinator: { leaveGroup: note('leave') },
    retrier: note('join'),
    offsetManager: { committedOffsets: () => ({}), resolveOffsets: async () => undefined },
    cluster: { refreshMetadataIfNecessary: async () => undefined },
    subscriptionState: { assigned: () => [], active: () => [] },
    maxWaitTime: 0,
  });
  return group as ConsumerGroup & { offsetManager: unknown };
}

it.each(['joinAndSync', 'leave'] as const)('lets go before %s', async (method) => {
  const calls: string[] = [];
  const gate = Promise.withResolvers<void>();
  const group = membership(() => gate.promise.then(() => void calls.push('let go')), calls);
  const moved = group[method]();
  await new Promise(setImmediate);
  expect(calls).toEqual([]);
  gate.resolve();
  await moved;
  expect(calls).toEqual(['let go', method === 'leave' ? 'leave' : 'join']);
});

it('drops an answer that was asked for under an older assignment', async () => {
  const group = membership(async () => undefined, []);
  const batch = {};
  const answer = Promise.withResolvers<void>();
  Object.assign(group, {
    cluster: { refreshMetadataIfNecessary: async () => undefined, findBroker: async () => broker },
    subscriptionState: {
      assigned: () => [{ topic: 't', partitions: [0] }],
      active: () => [{ topic: 't', partitions: [0] }],
      isPaused: () => false,
    },
    seekOffset: { pop: () => undefined, has: () => false },
    preferredReadReplicasPerTopicPartition: {},
    findReadReplicaForPartitions: () => ({ 1: [0] }),
  });
  const manager = () => ({
    committedOffsets: () => ({ t: { 0: '5' } }),
    resolveOffsets: async () => undefined,
    nextOffset: () => '5',
  });
  const broker = {
    async fetch() {
      await answer.promise;
      const partitions = [{ partition: 0, messages: [], abortedTransactions: [], batch }];
      return { responses: [{ topicName: 't', partitions }] };
    },
  };
  group.offsetManager = manager();
  const kept = group.fetch('1');
  answer.resolve();
  expect(await kept).toHaveLength(1);
  const dropped = group.fetch('1');
  group.offsetManager = manager();
  expect(await dropped).toEqual([]);
});
