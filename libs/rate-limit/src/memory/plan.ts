/** A charge judged but not taken: all of a request's are judged before any is taken. */
export interface Plan<State> {
  /** 0: it passes. Infinity: never. */
  readonly waitMs: number;
  readonly remaining: number;
  readonly resetMs: number;
  /** The state after it was taken; undefined when it does not pass. */
  readonly take: (() => State) | undefined;
}
