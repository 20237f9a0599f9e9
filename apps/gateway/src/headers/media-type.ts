import { ReasonError } from '@ordermesh/contract';

/** Whether a `Content-Type` is JSON in UTF-8, the only encoding it has (RFC 8259, 8.1). */
export function isJson(contentType: string | undefined): boolean {
  const [type = '', ...parameters] = (contentType ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/json') return false;
  const charset = parameters.find((parameter) => /^\s*charset\s*=/i.test(parameter));
  return charset === undefined || /=\s*"?utf-?8"?\s*$/i.test(charset);
}

/**
 * Refuses compressed bodies: requests are small, and what is not inflated cannot be a bomb.
 * @throws ReasonError UNSUPPORTED_MEDIA_TYPE
 */
export function refuseContentEncoding(contentEncoding: string | undefined): void {
  if (contentEncoding === undefined || /^\s*(identity)?\s*$/i.test(contentEncoding)) return;
  throw new ReasonError(
    'UNSUPPORTED_MEDIA_TYPE',
    'Content-Encoding is not supported; send the body as it is.',
  );
}
