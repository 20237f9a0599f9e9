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
  const lines = new Map<string, Set<Item>>(); // whoever is first holds the lane
  return {
    enter(name, item) {
      const line = lines.get(name);
      if (line === undefined) lines.set(name, new Set([item]));
      else line.add(item);
      return line === undefined;
    },
    leave(name, item) {
      const line = lines.get(name);
      if (line === undefined) return undefined;
      const [holder] = line;
      line.delete(item);
      if (line.size === 0) lines.delete(name);
      if (holder !== item) return undefined;
      const [next] = line;
      return next;
    },
  };
}
