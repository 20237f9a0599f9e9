/**
 * Every attribute name that ordermesh sets by hand, in one file: the messaging and rpc conventions are still marked
 * "Development" in semantic conventions 1.45, so a rename must be one edit. Names that the instrumentations set
 * themselves (http, pg) are listed only where our code reads or overrides them.
 */
export const attribute = {
  /** `kafka`, `redis`, `ordermesh_log`. */
  messagingSystem: 'messaging.system.name',
  /** What our code calls the step: `create`, `send`, `poll`, `process`. */
  messagingOperationName: 'messaging.operation.name',
  /** The convention's class of the step: `create`, `send`, `receive`, `process`. */
  messagingOperationType: 'messaging.operation.type',
  messagingDestination: 'messaging.destination.name',
  /** A string, also where the broker's partition is a number. */
  messagingPartition: 'messaging.destination.partition.id',
  messagingConsumerGroup: 'messaging.consumer.group.name',
  messagingBatchCount: 'messaging.batch.message_count',
  /** The event id (`ce_id`). */
  messagingMessageId: 'messaging.message.id',
  kafkaOffset: 'kafka.offset',
  kafkaMessageKey: 'kafka.message.key',

  /** `grpc`. */
  rpcSystem: 'rpc.system.name',
  /** `package.Service/Method`, which is also the span's name. */
  rpcMethod: 'rpc.method',
  /** The gRPC code's name, `NOT_FOUND`. */
  rpcStatusCode: 'rpc.status_code',

  httpRoute: 'http.route',
  urlFull: 'url.full',
  urlQuery: 'url.query',
  clientAddress: 'client.address',
  networkPeerAddress: 'network.peer.address',
  networkPeerPort: 'network.peer.port',
  serverAddress: 'server.address',
  serverPort: 'server.port',

  /** `postgresql`, `elasticsearch`, `redis`. */
  dbSystem: 'db.system.name',
  dbNamespace: 'db.namespace',
  dbCollection: 'db.collection.name',
  dbOperation: 'db.operation.name',
  dbBatchSize: 'db.operation.batch.size',
  dbQuerySummary: 'db.query.summary',
  dbStatusCode: 'db.response.status_code',

  /** The error's class, or its stable reason. */
  errorType: 'error.type',
  serviceName: 'service.name',

  orderId: 'ordermesh.order.id',
  orderVersion: 'ordermesh.order.version',
  /** Position in the log. */
  position: 'ordermesh.position',
  eventType: 'ordermesh.event.type',
  projection: 'ordermesh.projection',
  /** `true` on spans of a rebuild, which start a new trace and only link to the stored one. */
  replay: 'ordermesh.replay',
  /** On a span link, what it means: see {@link linkMeaning}. */
  link: 'ordermesh.link',
  /** The attempt number of a retried call, from 1; absent on the first try. */
  retryAttempt: 'ordermesh.retry.attempt',
  /** The reason of an error answer (docs: the table of reasons), `VERSION_CONFLICT`. */
  reason: 'ordermesh.reason',
  /** What the read cache had for a lookup, `hit`, `miss`, `expired`, `behind`, `bypass`. */
  readCache: 'ordermesh.read_cache',
  /** How a wait or an attempt ended, `reached`, `timeout`. */
  outcome: 'ordermesh.outcome',
} as const;

/** Values of {@link attribute.link}. */
export const linkMeaning = {
  /** A query's span → the trace of the command that produced the version it answers with. */
  producedBy: 'produced_by',
  /** A batch's span ↔ the span of one item in it. */
  batch: 'batch',
  /** A relay's send span → the creation context of one message. */
  message: 'message',
  /** A `process` span → the poll that fetched it. */
  poll: 'poll',
  /** A replayed event's span → the trace that once created the event. */
  replayOf: 'replay_of',
  /** A server span → the caller's context that was not trusted as a parent. */
  untrustedParent: 'untrusted_parent',
} as const;

/** The span name that the messaging conventions ask for: `{operation} {destination}`. */
export function messagingSpanName(operation: string, destination: string): string {
  return `${operation} ${destination}`;
}
