import { ReasonError, reasonRow } from '@ordermesh/contract';

/**
 * An error of a service with its fields named as REST clients know them: the services speak proto names (`items[0].unit_price`), JSON has
 * `items[0].unitPrice`. To be applied to what services answer only: what the gateway itself complains about is spelled as the client spelled it.
 */
export function withJsonNames(error: unknown): unknown {
  if (!(error instanceof ReasonError) || error.fields.length === 0) return error;
  const { reason, metadata, retryAfterMs, resource } = error;
  const fields = error.fields.map((fault) => ({ ...fault, field: jsonName(fault.field) }));
  const message = error.fields.reduce(
    (text, { field }) => (field === '' ? text : text.replaceAll(field, jsonName(field))),
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

function jsonName(path: string): string {
  return path.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
