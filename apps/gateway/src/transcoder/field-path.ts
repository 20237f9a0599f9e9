import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';

/** Fields from a message downwards: `order.order_id` is `[order, order_id]`. */
export type FieldPath = readonly [DescField, ...DescField[]];

/**
 * Resolves dotted proto names.
 * @throws Error, at start, when a name is unknown or a list, map or scalar stands before the last one
 */
export function fieldPath(schema: DescMessage, dotted: string): FieldPath {
  const fields: DescField[] = [];
  let inner: DescMessage | undefined = schema;
  for (const name of dotted.split('.')) {
    const field: DescField | undefined = inner?.fields.find((candidate) => candidate.name === name);
    if (!field) throw new Error(`${schema.typeName} has no field ${dotted}`);
    fields.push(field);
    inner = field.fieldKind === 'message' ? field.message : undefined;
  }
  return fields as unknown as FieldPath;
}

/** The value at `path`; `undefined` where a message on the way is unset. */
export function readPath(message: Message, path: FieldPath): unknown {
  return path.reduce<unknown>(
    (value, field) => (value as Record<string, unknown> | undefined)?.[field.localName],
    message,
  );
}

/** How JSON spells a path: `shippingAddress.postalCode`. */
export function jsonPath(path: FieldPath): string {
  return path.map((field) => field.jsonName).join('.');
}
