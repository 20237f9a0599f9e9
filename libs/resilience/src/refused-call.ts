import { ReasonError } from '@ordermesh/contract';

/** Refused without a call: it is not tried again, because it says nothing of the next attempt that the caller could wait for. */
export class RefusedCall extends ReasonError {
  constructor(dependency: string, retryAfterMs: number) {
    const message = `${dependency} is not available at the moment: try again later`;
    super('DEPENDENCY_UNAVAILABLE', message, { retryAfterMs });
  }
}
