import { randomBytes } from 'node:crypto';
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { SpanKind } from '@opentelemetry/api';
import { ownerOf } from '@ordermesh/auth';
import {
  encodeConsistencyToken,
  OrderStatus,
  type OrderSummary,
  OrderSummarySchema,
  ReasonError,
} from '@ordermesh/contract';
import {
  type Aggregate,
  type Executed,
  type ExpectedVersion,
  execute,
  type Idempotency,
  idempotencyKey,
  requestHash,
  uuidv7,
} from '@ordermesh/event-sourcing';
import type { OrderCommand, OrderEvent, OrderState, Rejection } from '@ordermesh/order';
import type { CallContext } from '@ordermesh/rpc';
import { attribute, carry, inSpan, messagingSpanName } from '@ordermesh/telemetry';
import { placedBy } from './placed-by.ts';
import { toReason } from './to-reason.ts';

/** The order with its rules and its log. */
export type OrderAggregate = Aggregate<OrderCommand, OrderState, OrderEvent, Rejection>;

/** One command of the API, ready to run. */
export interface CommandCall<Request extends DescMessage, Answer extends DescMessage> {
  readonly requestSchema: Request;
  readonly answerSchema: Answer;
  readonly request: MessageShape<Request>;
  readonly orderId: string;
  readonly expected: ExpectedVersion;
  readonly command: OrderCommand;
  readonly call: CallContext;
}

/** The fields that all command answers share, with the same numbers. */
interface CommandAnswer {
  order?: OrderSummary;
  consistencyToken: string;
}

const topic = 'ordermesh.order.events.v1';
const newId = uuidv7(Date.now, randomBytes);

/**
 * Runs a command and answers with the order after it. Everything happens under a `create` span: its context is stored with the events, so
 * that what follows from them joins this request's trace. To callers who may see their own orders only, another customer's order is absent, but its id is
 * taken.
 * @throws ReasonError
 */
export async function runCommand<Request extends DescMessage, Answer extends DescMessage>(
  aggregate: OrderAggregate,
  {
    requestSchema,
    answerSchema,
    request,
    orderId,
    expected,
    command,
    call,
  }: CommandCall<Request, Answer>,
): Promise<MessageShape<Answer>> {
  const idempotency = idempotencyOf(call, requestSchema, request);
  const owner = ownerOf(call.principal);
  const isCreate = command.type === 'CreateOrder';
  /** For where no state tells: a conflict answers none, a damaged stream has none. */
  const isForeign = async () => {
    if (owner === undefined) return false;
    const [first] = await aggregate.store.readStream(orderId, 0, call.signal);
    return placedBy(first) !== owner;
  };
  const span = {
    kind: SpanKind.PRODUCER,
    attributes: {
      [attribute.messagingOperationName]: 'create',
      [attribute.messagingOperationType]: 'create',
      [attribute.messagingDestination]: topic,
      [attribute.orderId]: orderId,
    },
    isExpected: (error: unknown) =>
      error instanceof ReasonError && error.code !== 'INTERNAL' && error.code !== 'UNAVAILABLE',
  };
  return inSpan(messagingSpanName('create', topic), span, async () => {
    const { traceparent, tracestate } = carry();
    const executed = await execute(aggregate, command, {
      streamId: orderId,
      expected,
      begins: isCreate,
      mayKnow:
        isCreate || owner === undefined ? undefined : ({ customerId }) => customerId === owner,
      ...(idempotency ? { idempotency } : {}),
      metadata: {
        actor: call.caller,
        correlationId: null,
        causationId: null,
        traceparent: traceparent || null,
        tracestate: tracestate || null,
      },
      respond: (state) => toBinary(answerSchema, answerOf(answerSchema, orderId, state)),
      newId,
      now: new Date(command.now),
      signal: call.signal,
    }).catch(async (error: unknown) => {
      const reason = toReason(error, orderId);
      if (reason.code === 'INTERNAL' && !isCreate && (await isForeign())) {
        const absent = aggregate.decider.decide(command, undefined);
        if (!absent.ok) return { type: 'rejected', rejection: absent.rejection } as const;
      }
      throw reason;
    });
    if (executed.type === 'conflict' && isCreate && (await isForeign())) throw taken(orderId);
    return answered(answerSchema, settled(executed, orderId, command), call);
  });
}

/** As a conflict, but without the version of somebody else's order. */
function taken(orderId: string): ReasonError {
  const message = 'An order with this id exists; the id must be unused.';
  const metadata = { expectedVersion: '0' };
  return new ReasonError('VERSION_CONFLICT', message, {
    metadata,
    resource: { type: 'order', name: orderId },
  });
}

type Done = Extract<Executed<Rejection>, { type: 'appended' | 'replayed' }>;

function settled(executed: Executed<Rejection>, orderId: string, command: OrderCommand): Done {
  const resource = { type: 'order', name: orderId };
  switch (executed.type) {
    case 'appended':
    case 'replayed':
      return executed;
    case 'rejected': {
      const { reason, message, details, fault } = executed.rejection;
      const onState = command.type !== 'CreateOrder';
      const fields = fault ? [{ field: fault.field, reason: fault.rule, detail: message }] : [];
      throw new ReasonError(reason, message, { metadata: details, fields, resource, onState });
    }
    case 'conflict': {
      const expected = executed.expected === 'no_stream' ? 0 : executed.expected;
      const message = `The order is at version ${executed.actual}, not ${expected}: read it again and decide anew.`;
      const metadata = {
        expectedVersion: String(expected),
        actualVersion: String(executed.actual),
      };
      throw new ReasonError('VERSION_CONFLICT', message, { metadata, resource });
    }
    case 'key_reused': {
      const message =
        'This idempotency key was used for another request: use a new one for each command.';
      throw new ReasonError('IDEMPOTENCY_KEY_REUSED', message);
    }
  }
}

/** The stored bytes with their token, the same for the first answer and every replay of it. */
function answered<Answer extends DescMessage>(
  schema: Answer,
  { response, partition, position }: Done,
  call: CallContext,
): MessageShape<Answer> {
  const answer = fromBinary(schema, response) as MessageShape<Answer> & CommandAnswer;
  answer.consistencyToken = encodeConsistencyToken({ partition, position });
  call.setHeader('etag', `"${answer.order?.version}"`);
  call.setHeader('consistency-token', answer.consistencyToken);
  return answer;
}

function answerOf<Answer extends DescMessage>(
  schema: Answer,
  orderId: string,
  { version, status, total, estimatedDeliveryAt }: OrderState,
): MessageShape<Answer> {
  const answer = create(schema) as MessageShape<Answer> & CommandAnswer;
  answer.order = create(OrderSummarySchema, {
    orderId,
    version,
    status: OrderStatus[status],
    total,
    estimatedDeliveryAt: timestampFromMs(estimatedDeliveryAt),
  });
  return answer;
}

function idempotencyOf<Request extends DescMessage>(
  call: CallContext,
  schema: Request,
  request: MessageShape<Request>,
): Idempotency | undefined {
  const [key, ...others] = call.metadata('idempotency-key');
  if (key === undefined) return undefined;
  if (others.length > 0 || !/^[\x21-\x7e]{1,255}$/.test(key)) {
    const detail = 'must be one value of 1 to 255 visible ASCII characters';
    throw new ReasonError('INVALID_REQUEST', `idempotency-key ${detail}`, {
      fields: [{ field: 'idempotency-key', reason: 'idempotency_key', detail }],
    });
  }
  return {
    key: idempotencyKey(call.caller.subject, schema.typeName, key),
    requestHash: requestHash(toBinary(schema, request)),
  };
}
