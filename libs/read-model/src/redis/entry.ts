import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { OrderSchema } from '@ordermesh/contract';
import { revisionOf } from '../newest-views.ts';
import type { StoredOrder } from '../stored-order.ts';
import { maxCustomerRevision, viewRevision } from '../view-revision.ts';

/** Key of an order's entry. Without braces, so that a cluster spreads them. */
export const entryKey = (orderId: string): string => `order:read:${orderId}`;

/** Fields of an entry, in the order in which {@link decodeEntry} takes them; `written` is set by the script. */
export const entryFields = [
  'origin',
  'revision',
  'written',
  'partition',
  'order',
  'traceparent',
  'tracestate',
] as const;

/** What a hash at the key of an entry turned out to be. */
export type DecodedEntry =
  | { readonly kind: 'view'; readonly stored: StoredOrder; readonly writtenMs: number }
  | { readonly kind: 'absent' | 'foreign' | 'undecodable' };

/** Values of an entry but `written`, in the order of {@link entryFields}. Empty texts stand for no trace context. */
export function encodeEntry(origin: string, stored: StoredOrder): (string | Buffer)[] {
  return [
    origin,
    String(revisionOf(stored)),
    String(stored.partition),
    Buffer.from(toBinary(OrderSchema, stored.order)),
    stored.traceparent ?? '',
    stored.tracestate ?? '',
  ];
}

/**
 * @param origin whose entries these have to be; all others are foreign
 * @param values of {@link entryFields}
 */
export function decodeEntry(
  orderId: string,
  origin: string,
  values: readonly (Buffer | null)[],
): DecodedEntry {
  if (values.every((value) => value === null)) return { kind: 'absent' };
  const [from, revision, written, partition, order, traceparent, tracestate] = values;
  if (from?.toString() !== origin) return { kind: 'foreign' };
  const stored = decodeView(order, revision, partition);
  const writtenMs = wholeNumber(written);
  // Bytes that happen to be a message of some other order are no view of this one.
  if (stored?.order.orderId !== orderId || writtenMs === undefined) return { kind: 'undecodable' };
  const trace = { traceparent: textOf(traceparent), tracestate: textOf(tracestate) };
  return { kind: 'view', stored: { ...stored, ...trace }, writtenMs };
}

function decodeView(
  bytes: Buffer | null | undefined,
  revisionText: Buffer | null | undefined,
  partitionText: Buffer | null | undefined,
): Pick<StoredOrder, 'order' | 'partition' | 'customerRevision'> | undefined {
  const revision = wholeNumber(revisionText);
  const partition = wholeNumber(partitionText);
  if (!bytes || revision === undefined || partition === undefined) return undefined;
  try {
    const order = fromBinary(OrderSchema, bytes);
    const customerRevision = Number(BigInt(revision) & BigInt(maxCustomerRevision));
    const isOfRevision = BigInt(revision) === viewRevision(order.version, customerRevision);
    return isOfRevision ? { order, partition, customerRevision } : undefined;
  } catch {
    return undefined;
  }
}

const textOf = (value: Buffer | null | undefined) => value?.toString() || undefined;

/** Undefined for what is none, or not exact as a number. View revisions are below 2^51. */
function wholeNumber(value: Buffer | null | undefined): number | undefined {
  const text = value?.toString() ?? '';
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}
