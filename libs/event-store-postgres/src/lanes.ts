/**
 * Lets one item at a time through per name; the others wait in the order in which they came. An item holds its lane from {@link Lanes.enter}, or from
 * being returned by {@link Lanes.leave}, until it leaves.
 */
export interface Lanes<Item> {
  /** True when the item holds the lane now; false when it waits. */
  enter(name: string, item: Item): boolean;
  /**
   * Takes the item out of the lane, whether it holds it or waits.
   * @returns who holds the lane instead; undefined when the item did not hold it, or nobody waits
   */
  leave(name: string, item: Item): Item | undefined;
}

/** No lane is held. */
export function lanes<Item>(): Lanes<Item> {
  interface Lane {
    holder: Item;
    /** Made for the first one who waits: hardly anybody does, and a set for each item would cost more than all else here. */
    waiting: Set<Item> | undefined;
  }
  const held = new Map<string, Lane>();
  return {
    enter(name, item) {
      const lane = held.get(name);
      if (lane === undefined) {
        held.set(name, { holder: item, waiting: undefined });
        return true;
      }
      lane.waiting ??= new Set();
      lane.waiting.add(item);
      return false;
    },
    leave(name, item) {
      const lane = held.get(name);
      if (lane === undefined) return undefined;
      if (lane.holder !== item) {
        lane.waiting?.delete(item);
        return undefined;
      }
      const [next] = lane.waiting ?? [];
      if (next === undefined) {
        held.delete(name);
        return undefined;
      }
      lane.waiting?.delete(next);
      lane.holder = next;
      return next;
    },
  };
}
