import { createHash } from 'node:crypto';

/** What makes a command safe to send twice. */
export interface Idempotency {
  /** 16 bytes: {@link idempotencyKey}. */
  readonly key: Uint8Array;
  /** 32 bytes: {@link requestHash}. */
  readonly requestHash: Uint8Array;
}

/** The answer that was stored with the first command of a key. */
export interface StoredAnswer {
  readonly requestHash: Uint8Array;
  /** Byte for byte what the first caller got, without its consistency token. */
  readonly response: Uint8Array;
  /** Of the command's last event: what the consistency token is made of. */
  readonly partition: number;
  readonly position: bigint;
}

/**
 * The key as the log stores it. Scoped to caller and method: two callers may use the same key, and one caller the same key on two methods.
 * Half of a SHA-256, because 16 bytes keep the index small, and nobody who could find a collision has anything to gain but their own.
 */
export function idempotencyKey(caller: string, method: string, key: string): Uint8Array {
  // JSON keeps ("a", "bc") and ("ab", "c") apart.
  return createHash('sha256')
    .update(JSON.stringify([caller, method, key]))
    .digest()
    .subarray(0, 16);
}

/**
 * Hash of a request, to tell the same request from another one under the same key.
 * @param fields the client's own fields only, in one fixed encoding, never generated ids or times
 */
export function requestHash(fields: Uint8Array): Uint8Array {
  return createHash('sha256').update(fields).digest();
}

/** Whether two hashes are the same. */
export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
