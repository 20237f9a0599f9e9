import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** The SHA-256 of the files' contents, one after the other, in hex. */
export async function sha256Of(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths) {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  }
  return hash.digest('hex');
}

/** @throws when the files are not the pinned ones. */
export async function assertSha256(
  what: string,
  paths: readonly string[],
  expected: string,
): Promise<void> {
  const actual = await sha256Of(paths);
  if (actual !== expected) {
    throw new Error(`${what} is not what was expected: SHA-256 ${actual} instead of ${expected}`);
  }
}
