import type { DeadLetter } from './dead-letter.ts';

/** A row of the batch's JSON parameter. Total: a dead letter that cannot be stored would hold up its partition for ever. */
export function deadLetterRow(letter: DeadLetter) {
  const headers = Object.entries(letter.headers).map(([name, value]) => [
    storable(name),
    storable(value),
  ]);
  return {
    position: String(letter.position),
    order_id: storable(letter.orderId),
    version: letter.version,
    partition: letter.partition,
    value: Buffer.from(letter.value).toString('base64'),
    headers: Object.fromEntries(headers),
    error_class: storable(letter.errorClass),
    detail: storable(letter.detail),
    attempts: letter.attempts,
    parked_at: letter.parkedAt.toISOString(),
  };
}

/** PostgreSQL's text takes neither NUL nor half a surrogate pair. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd');
}
