import { ReasonError } from './reason-error.ts';

/** Names one write: every view whose checkpoint of `partition` is at least `position` contains it. */
export interface Consistency {
  readonly partition: number;
  readonly position: bigint;
}

const invalid = () =>
  new ReasonError(
    'INVALID_REQUEST',
    'The consistency token is not one that a command answered: send it back unchanged.',
    { fields: [{ field: 'consistency-token', reason: 'consistency_token', detail: 'unreadable' }] },
  );

/** A write as an opaque token. A pure function of its argument, so that a replayed answer carries the same token as the first. */
export function encodeConsistencyToken(write: Consistency): string {
  return Buffer.from(`1.${write.partition}.${write.position}`).toString('base64url');
}

/**
 * Reads tokens as callers send them: several header lines, each with one token or several joined by commas.
 * @throws ReasonError INVALID_REQUEST for anything that {@link encodeConsistencyToken} did not make
 */
export function decodeConsistencyTokens(lines: readonly string[]): readonly Consistency[] {
  return lines
    .flatMap((line) => line.split(','))
    .map((token) => token.trim())
    .filter((token) => token !== '')
    .map(decode);
}

function decode(token: string): Consistency {
  const text = Buffer.from(token, 'base64url').toString('latin1');
  const match = /^1\.(\d{1,5})\.(\d{1,19})$/.exec(text);
  if (!match) throw invalid();
  const position = BigInt(match[2] as string);
  if (position >= 2n ** 63n) throw invalid();
  return { partition: Number(match[1]), position };
}
