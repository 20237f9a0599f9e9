export { orderViewConformance } from './conformance.ts';
export { type OrderSpec, orderMessages } from './order-messages.ts';
export { record, storedOrder, storedStates } from './stored-orders.ts';
export type { OpenViewStore, ViewStore } from './view-store.ts';
