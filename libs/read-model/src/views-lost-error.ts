/**
 * A store no longer holds what was written to it: an index was deleted, or one that is not the old one took its place. What a caller remembers of the
 * store, its checkpoints above all, is void; `checkpoint` of the writer makes the store whole again and tells where to begin.
 */
export class ViewsLostError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ViewsLostError';
  }
}
