import { randomUUID } from 'node:crypto';
import type { DescMethodUnary, JsonObject, JsonValue } from '@bufbuild/protobuf';
import {
  CustomerService,
  OrderCommandService,
  OrderHistoryService,
  OrderQueryService,
} from '@ordermesh/contract';
import { orderRequest, total } from './api.ts';

/** One call, whichever protocol it goes by. */
export interface Call {
  readonly method: DescMethodUnary;
  /** Protobuf JSON; made when the call is made, for what is known only then. */
  readonly request: () => JsonObject;
  /**
   * Method and path over REST, as the documentation has them, and the field that is the body if it is one; what is left is the body of a POST
   * without such a field, else the query.
   */
  readonly route: string;
}

type Request = JsonObject | (() => JsonObject);

const call = (method: DescMethodUnary, route: string) => (request: Request) => ({
  method,
  route,
  request: typeof request === 'function' ? request : () => request,
});

const { createOrder, confirmOrder, payOrder, shipOrder, deliverOrder, cancelOrder } =
  OrderCommandService.method;
const { addItem, removeItem, changeShippingAddress } = OrderCommandService.method;

/** Every method of the public surface, each waiting for its request. */
export const calls = {
  create: call(createOrder, 'POST /v1/orders'),
  confirm: call(confirmOrder, 'POST /v1/orders/{orderId}/confirm'),
  pay: call(payOrder, 'POST /v1/orders/{orderId}/pay'),
  ship: call(shipOrder, 'POST /v1/orders/{orderId}/ship'),
  deliver: call(deliverOrder, 'POST /v1/orders/{orderId}/deliver'),
  cancel: call(cancelOrder, 'POST /v1/orders/{orderId}/cancel'),
  add: call(addItem, 'POST /v1/orders/{orderId}/items item'),
  remove: call(removeItem, 'DELETE /v1/orders/{orderId}/items/{productId}'),
  move: call(changeShippingAddress, 'PUT /v1/orders/{orderId}/shipping-address shippingAddress'),
  history: call(OrderHistoryService.method.listOrderEvents, 'GET /v1/orders/{orderId}/events'),
  get: call(OrderQueryService.method.getOrder, 'GET /v1/orders/{orderId}'),
  list: call(OrderQueryService.method.listOrders, 'GET /v1/customers/{customerId}/orders'),
  search: call(OrderQueryService.method.searchOrders, 'GET /v1/orders'),
  register: call(CustomerService.method.registerCustomer, 'POST /v1/customers'),
  getCustomer: call(CustomerService.method.getCustomer, 'GET /v1/customers/{customerId}'),
};

/** An item that {@link orderRequest} does not have: one of 3.00 USD. */
export const cup = {
  productId: randomUUID(),
  productName: 'Cup',
  quantity: 1,
  unitPrice: { currencyCode: 'USD', minorUnits: '300' },
};

/** The commands on an existing order, with requests that are right for {@link orderRequest}. */
export const commands = {
  confirm: {},
  pay: { paymentId: 'pay-1', amount: total },
  ship: { trackingNumber: '1Z999' },
  deliver: {},
  cancel: { reason: 'changed my mind' },
  add: { item: cup },
  remove: { productId: cup.productId },
  move: { shippingAddress: orderRequest().shippingAddress },
} satisfies Partial<Record<keyof typeof calls, JsonObject>>;

/** A CreateOrder that is right except for `change`. */
export const place = (change: JsonObject = {}) => calls.create(orderRequest(change) as JsonObject);

/** As {@link place}, with items like that of {@link orderRequest} except for the changes. */
export const placeItems = (...changes: readonly JsonObject[]) =>
  place({
    items: changes.map((change) => ({
      productId: randomUUID(),
      productName: 'Green tea',
      quantity: 2,
      unitPrice: total,
      ...change,
    })),
  });

/** As {@link place}, for one item of this price. */
export const placePriced = (currencyCode: string, minorUnits: string, quantity = 1) =>
  placeItems({ quantity, unitPrice: { currencyCode, minorUnits } });

/** As {@link place}, with another address. */
export const placeTo = (change: Record<string, JsonValue>) =>
  place({ shippingAddress: { ...orderRequest().shippingAddress, ...change } });

/** Method, path with query, and body of a call over REST. */
export function asRest({ route, request }: Call): [string, string, JsonObject | undefined] {
  const [verb = '', template = '', field] = route.split(' ');
  const rest = { ...request() };
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = rest[name];
    delete rest[name];
    return encodeURIComponent(String(value));
  });
  if (verb === 'POST' && field === undefined) return [verb, path, rest];
  const body = field === undefined ? undefined : (rest[field] as JsonObject | null | undefined);
  if (field !== undefined) delete rest[field];
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(rest))
    for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one));
  return [verb, query.size > 0 ? `${path}?${query}` : path, body ?? undefined];
}

/** A field of the request as REST spells it: without the name of the field that is the body. */
export function restField({ route }: Call, field: string): string {
  const [, , body] = route.split(' ');
  if (field === body) return '';
  return body !== undefined && field.startsWith(`${body}.`) ? field.slice(body.length + 1) : field;
}
