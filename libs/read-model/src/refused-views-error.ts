/**
 * A store can never hold some views: their content does not fit its fields, however often it is tried. Everything else of the batch may have been
 * written, its checkpoint was not. Whoever gets it parks those orders and writes the rest again.
 */
export class RefusedViewsError extends Error {
  /** Why, by order id. Never empty. */
  readonly orders: ReadonlyMap<string, string>;

  constructor(orders: ReadonlyMap<string, string>) {
    const [first] = orders;
    super(`${orders.size} views cannot be stored, the first is ${first?.join(': ')}`);
    this.name = 'RefusedViewsError';
    this.orders = orders;
  }
}
