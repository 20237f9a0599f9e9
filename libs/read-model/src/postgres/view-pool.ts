/** How a store connects. */
export interface PostgresViewOptions {
  /** Database of the views. */
  readonly url: string;
  /** Most connections at once. A writer wants two more than the partitions it writes at the same time. */
  readonly max: number;
  /** `application_name`, e.g. `ordermesh-query`. */
  readonly name: string;
  /** Told about what heals by itself: connections lost while idle, notifications that could not be sent. A process warning by default. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** What happens to {@link PostgresViewOptions.onError} when it is absent. */
export const warn = (error: unknown) =>
  process.emitWarning(error instanceof Error ? error.message : String(error), {
    type: 'PostgresView',
  });
