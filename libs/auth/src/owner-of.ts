import type { Principal } from '@ordermesh/contract';

/** The scope of staff: it ships and delivers, and sees the orders of everybody. */
export const staffScope = 'orders:fulfil';

/**
 * Whose orders and whose record a caller may see and act on.
 * @param principal undefined while authentication is off
 * @returns a customer id, or undefined for everybody's: authentication is off, staff, a process of the mesh
 */
export function ownerOf(principal: Principal | undefined): string | undefined {
  if (principal === undefined || principal.service !== undefined) return undefined;
  return principal.scopes.has(staffScope) ? undefined : principal.subject;
}
