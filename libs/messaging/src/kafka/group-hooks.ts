import { createRequire } from 'node:module';
import { type PartitionAssigner, PartitionAssigners } from 'kafkajs';

/** What kafkajs 2.2.4 knows of one membership of a group, as far as it is used here. */
export interface ConsumerGroup {
  readonly assigners: readonly object[];
  readonly offsetManager: unknown;
  joinAndSync(): Promise<void>;
  leave(): Promise<void>;
  fetch(nodeId: string): Promise<unknown[]>;
}

/** The class itself; kafkajs exports it nowhere, but has no `exports` in its manifest. */
export const consumerGroup: { readonly prototype: ConsumerGroup } = createRequire(import.meta.url)(
  'kafkajs/src/consumer/consumerGroup',
);

const beforeMove = Symbol('beforeMove');
type Hooked = { [beforeMove]?: () => Promise<void> };

/**
 * Round robin, and `letGo` is awaited whenever the partitions may get other owners: before the group is joined (again) and before it is
 * left. kafkajs itself tells of a rebalance when it is over, which is too late to finish what runs. An assigner carries the hook because it is the one
 * thing of ours that a membership keeps.
 */
export function roundRobinWith(letGo: () => Promise<void>): PartitionAssigner {
  return (config) => ({ ...PartitionAssigners.roundRobin(config), [beforeMove]: letGo });
}

const { prototype } = consumerGroup;
const { joinAndSync, leave, fetch } = prototype;

async function letGoOf({ assigners }: ConsumerGroup): Promise<void> {
  for (const assigner of assigners as readonly Hooked[]) await assigner[beforeMove]?.();
}

prototype.joinAndSync = async function (this: ConsumerGroup): Promise<void> {
  await letGoOf(this);
  await joinAndSync.call(this);
};

prototype.leave = async function (this: ConsumerGroup): Promise<void> {
  await letGoOf(this);
  await leave.call(this);
};

// With several brokers one answer may arrive after another one's failure led to a new assignment: it starts behind offsets that were fetched
// and never handled, and would let kafkajs go on from there.
prototype.fetch = async function (this: ConsumerGroup, nodeId: string): Promise<unknown[]> {
  const { offsetManager } = this;
  const batches = await fetch.call(this, nodeId);
  return this.offsetManager === offsetManager ? batches : [];
};
