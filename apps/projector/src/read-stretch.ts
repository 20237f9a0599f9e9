import { create } from '@bufbuild/protobuf';
import {
  GetLogPointRequestSchema,
  OrderLogService,
  ReadLogRequestSchema,
} from '@ordermesh/contract';
import { callUnary, type RpcChannel } from '@ordermesh/rpc';
import type { ReadStretch } from './chain.ts';
import type { ReadLogPoint } from './same-log.ts';

/** Reads lost stretches from the command service, up to 500 events a call. */
export function readStretchFrom(channel: RpcChannel): ReadStretch {
  return async (partition, after, signal) => {
    const request = create(ReadLogRequestSchema, { partition, after, limit: 500 });
    const { message } = await callUnary(channel, OrderLogService.method.readLog, request, {
      signal,
    });
    return message.messages.map(({ position, key, value, headers }) => ({
      partition,
      position,
      key,
      value,
      headers,
    }));
  };
}

/** Asks the command service what the log has at a position. */
export function readLogPointFrom(channel: RpcChannel): ReadLogPoint {
  return async (position, signal) => {
    const request = create(GetLogPointRequestSchema, { position });
    const { message } = await callUnary(channel, OrderLogService.method.getLogPoint, request, {
      signal,
    });
    return { logId: message.logId, eventId: message.eventId || undefined };
  };
}
