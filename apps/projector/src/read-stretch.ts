import { create } from '@bufbuild/protobuf';
import { OrderLogService, ReadLogRequestSchema } from '@ordermesh/contract';
import { callUnary, type RpcChannel } from '@ordermesh/rpc';
import type { ReadStretch } from './chain.ts';

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
