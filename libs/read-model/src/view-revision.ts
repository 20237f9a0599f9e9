/** Customer revisions below the customer service's own, which start at 2. */
export const customerRevisions = { pending: 0, unknown: 1 } as const;

/** Room for customer revisions within a view revision: 1,048,575 is the greatest. */
export const maxCustomerRevision = 2 ** 20 - 1;

/**
 * The one number that guards every write of a view, in every store and cache: a view is replaced only by a greater one. Events come first (an
 * order's next version always wins), and within a version the newer customer data; with the version alone an enrichment could never be written.
 * @param version of the order, from 0
 * @param customerRevision 0 to {@link maxCustomerRevision}
 * @throws RangeError outside of these ranges
 */
export function viewRevision(version: number, customerRevision: number): bigint {
  if (!(customerRevision >= 0 && customerRevision <= maxCustomerRevision) || version < 0)
    throw new RangeError(`no view revision for ${version} and ${customerRevision}`);
  return (BigInt(version) << 20n) | BigInt(customerRevision);
}
