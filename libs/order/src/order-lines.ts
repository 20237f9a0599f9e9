import type { OrderItem } from './state.ts';

/** The limits that the proto file sets for placing an order; an edited order keeps them. */
export const MAX_LINES = 100;
/** Most of one line. */
export const MAX_QUANTITY = 10_000;

const isSameLine = (a: OrderItem, b: OrderItem): boolean =>
  a.productId === b.productId && a.unitPrice.minorUnits === b.unitPrice.minorUnits;

/** The line that more of `item` counts towards: the first of its product at its price. All are in one currency. */
export const lineFor = (items: readonly OrderItem[], item: OrderItem): OrderItem | undefined =>
  items.find((line) => isSameLine(line, item));

/** The items with `line` in the place of the first one of its product at its price, else at the end. */
export const withLine = (items: readonly OrderItem[], line: OrderItem): readonly OrderItem[] => {
  const index = items.findIndex((other) => isSameLine(other, line));
  return index < 0 ? [...items, line] : items.with(index, line);
};

/** The lines of a product. An order may have been placed with several, at one price or at different ones. */
export const linesOf = (items: readonly OrderItem[], productId: string): readonly OrderItem[] =>
  items.filter((line) => line.productId === productId);

/** The items without a product. */
export const withoutProduct = (
  items: readonly OrderItem[],
  productId: string,
): readonly OrderItem[] => items.filter((line) => line.productId !== productId);
