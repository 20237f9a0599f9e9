import { randomUUID } from 'node:crypto';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { ownerOf } from '@ordermesh/auth';
import {
  AddItemRequestSchema,
  AddItemResponseSchema,
  CancelOrderRequestSchema,
  CancelOrderResponseSchema,
  ChangeShippingAddressRequestSchema,
  ChangeShippingAddressResponseSchema,
  ConfirmOrderRequestSchema,
  ConfirmOrderResponseSchema,
  type CreateOrderRequest,
  CreateOrderRequestSchema,
  CreateOrderResponseSchema,
  DeliverOrderRequestSchema,
  DeliverOrderResponseSchema,
  OrderCommandService,
  type OrderItem,
  PayOrderRequestSchema,
  PayOrderResponseSchema,
  ReasonError,
  RemoveItemRequestSchema,
  RemoveItemResponseSchema,
  ShipOrderRequestSchema,
  ShipOrderResponseSchema,
} from '@ordermesh/contract';
import type { OrderCommand } from '@ordermesh/order';
import { type CallContext, type Implementation, implement } from '@ordermesh/rpc';
import { addressOf, itemOf, moneyOf } from './request-values.ts';
import { type OrderAggregate, runCommand } from './run-command.ts';

/** What every request but CreateOrder's says: which order, at which version. */
interface ChangeRequest {
  readonly orderId: string;
  readonly expectedVersion?: number;
}

/** @throws ReasonError FORBIDDEN when a customer orders for another one */
function requireForOneself({ customerId }: CreateOrderRequest, { principal }: CallContext): void {
  const owner = ownerOf(principal);
  if (owner === undefined || owner === customerId) return;
  throw new ReasonError('FORBIDDEN', 'Customers order for themselves: customerId must be yours.');
}

/** OrderCommandService: each method translates its request into the domain's command and runs it. */
export function commandService(aggregate: OrderAggregate): Implementation {
  const change =
    <Request extends DescMessage, Answer extends DescMessage>(
      requestSchema: Request,
      answerSchema: Answer,
      toCommand: (request: MessageShape<Request>, now: number) => OrderCommand,
    ) =>
    (request: MessageShape<Request>, call: CallContext) => {
      const { orderId, expectedVersion } = request as unknown as ChangeRequest;
      const command = toCommand(request, Date.now());
      const expected = expectedVersion ?? 'any';
      return runCommand(aggregate, {
        requestSchema,
        answerSchema,
        request,
        orderId,
        expected,
        command,
        call,
      });
    };

  return implement(OrderCommandService, {
    createOrder: async (request, call) => {
      requireForOneself(request, call);
      return runCommand(aggregate, {
        requestSchema: CreateOrderRequestSchema,
        answerSchema: CreateOrderResponseSchema,
        request,
        orderId: request.orderId || randomUUID(),
        expected: request.expectedVersion === undefined ? 'any' : 'no_stream',
        command: {
          type: 'CreateOrder',
          customerId: request.customerId,
          items: request.items.map(itemOf),
          shippingAddress: addressOf(request.shippingAddress),
          now: Date.now(),
        },
        call,
      });
    },
    confirmOrder: change(ConfirmOrderRequestSchema, ConfirmOrderResponseSchema, (_, now) => ({
      type: 'ConfirmOrder',
      now,
    })),
    payOrder: change(
      PayOrderRequestSchema,
      PayOrderResponseSchema,
      ({ paymentId, amount }, now) => ({
        type: 'PayOrder',
        paymentId,
        amount: moneyOf(amount),
        now,
      }),
    ),
    shipOrder: change(
      ShipOrderRequestSchema,
      ShipOrderResponseSchema,
      ({ trackingNumber }, now) => ({
        type: 'ShipOrder',
        trackingNumber,
        now,
      }),
    ),
    deliverOrder: change(DeliverOrderRequestSchema, DeliverOrderResponseSchema, (_, now) => ({
      type: 'DeliverOrder',
      now,
    })),
    cancelOrder: change(CancelOrderRequestSchema, CancelOrderResponseSchema, ({ reason }, now) => ({
      type: 'CancelOrder',
      reason,
      now,
    })),
    addItem: change(AddItemRequestSchema, AddItemResponseSchema, ({ item }, now) => ({
      type: 'AddItem',
      item: itemOf(item as OrderItem), // required: the edge has checked
      now,
    })),
    removeItem: change(RemoveItemRequestSchema, RemoveItemResponseSchema, ({ productId }, now) => ({
      type: 'RemoveItem',
      productId,
      now,
    })),
    changeShippingAddress: change(
      ChangeShippingAddressRequestSchema,
      ChangeShippingAddressResponseSchema,
      ({ shippingAddress }, now) => ({
        type: 'ChangeShippingAddress',
        shippingAddress: addressOf(shippingAddress),
        now,
      }),
    ),
  });
}
