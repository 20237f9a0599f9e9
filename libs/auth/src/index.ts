// Who calls, and what they may do.
export { ownerOf } from './owner-of.ts';
