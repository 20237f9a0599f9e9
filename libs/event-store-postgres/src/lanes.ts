/**
 * Lets one item at a time through per name; the others wait in the order in which they came. An item holds its lane from {@link Lanes.enter}, or from
 * being returned by {@link Lanes.leave}, until it leaves.
 */
export interface Lanes<Item> {
  /** True when the item holds the lane now; false when it waits. */
  enter(name: string, item: Item): boolean;
  /** Gives the lane to the next one, which is returned; undefined when nobody waits. */
  leave(name: string): Item | undefined;
}

/** No lane is held. */
export function lanes<Item>(): Lanes<Item> {
  const waiting = new Map<string, Item[]>();
  return {
    enter(name, item) {
      const line = waiting.get(name);
      if (line === undefined) waiting.set(name, []);
      else line.push(item);
      return line === undefined;
    },
    leave(name) {
      const next = waiting.get(name)?.shift();
      if (next === undefined) waiting.delete(name);
      return next;
    },
  };
}
