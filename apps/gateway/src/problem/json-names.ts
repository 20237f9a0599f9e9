import { ReasonError, reasonRow } from '@ordermesh/contract';

/**
 * An error of a service with its fields named as REST clients know them: the services speak proto names (`items[0].unit_price`), JSON has
 * `items[0].unitPrice`. To be applied to what services answer only: what the gateway itself complains about is spelled as the client spelled it.
 * @param body proto name of the field that the client sent as the whole body, which its paths therefore lack; `undefined` for none
 */
export function withJsonNames(error: unknown, body?: string): unknown {
  if (!(error instanceof ReasonError) || error.fields.length === 0) return error;
  const { reason, metadata, retryAfterMs, resource } = error;
  const nameOf = (field: string) => jsonName(withoutBody(field, body));
  const fields = error.fields.map((fault) => ({ ...fault, field: nameOf(fault.field) }));
  const message = error.fields.reduce(
    // The body itself has no name, but may be a word of the message.
    (text, { field }) => (nameOf(field) === '' ? text : text.replaceAll(field, nameOf(field))),
    error.message,
  );
  return new ReasonError(reason, message, {
    metadata,
    fields,
    onState: reasonRow(reason).onState?.code === error.code,
    cause: error,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(resource === undefined ? {} : { resource }),
  });
}

function withoutBody(path: string, body: string | undefined): string {
  if (path === body) return '';
  return body !== undefined && path.startsWith(`${body}.`) ? path.slice(body.length + 1) : path;
}

function jsonName(path: string): string {
  return path.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
