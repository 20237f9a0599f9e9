import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The file with this installation's token key (32 random bytes, base64url), made when absent and readable
 * only by this user. Tokens handed out before a restart stay valid after it.
 */
export function tokenKeyFile(dataDir: string): string {
  const path = join(dataDir, 'token-key');
  if (existsSync(path)) return path;
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 });
  linkSync(temporary, path); // whole or not at all: a start killed here leaves no short key
  rmSync(temporary);
  return path;
}
