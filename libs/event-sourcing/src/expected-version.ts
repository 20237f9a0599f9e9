/**
 * What a caller knows of a stream before a command: exactly this version (1..n), that there is none, that there is one, or nothing.
 */
export type ExpectedVersion = number | 'no_stream' | 'exists' | 'any';

/** Whether a stream of `actual` events (0: there is none) is as expected. */
export function isExpected(expected: ExpectedVersion, actual: number): boolean {
  switch (expected) {
    case 'any':
      return true;
    case 'exists':
      return actual > 0;
    case 'no_stream':
      return actual === 0;
    default:
      return actual === expected;
  }
}

/** True when the caller names one version (none at all counts), so that a command is decided on that version or not at all. */
export function namesVersion(expected: ExpectedVersion): boolean {
  return expected !== 'any' && expected !== 'exists';
}
