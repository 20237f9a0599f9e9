import { ReasonError } from '@ordermesh/contract';
import type { Append } from '@ordermesh/event-sourcing';

/** Largest event, in bytes of its JSON: a bus message has to hold it, and a reader of 500 events their sum. */
export const maxEventBytes = 256 * 1024;

/** Why a command cannot be stored, whatever else is; undefined when nothing speaks against it. */
export function unstorable({ events }: Append): Error | undefined {
  if (events.length === 0) return new Error('a command to append has at least one event');
  for (const { data, type } of events) {
    const size = Buffer.byteLength(data);
    if (size > maxEventBytes) {
      return new ReasonError(
        'EVENT_TOO_LARGE',
        `The change takes ${size} bytes; at most ${maxEventBytes} can be kept.`,
        {
          metadata: { size: String(size), limit: String(maxEventBytes) },
        },
      );
    }
    try {
      JSON.parse(data);
    } catch (cause) {
      return new Error(`data of ${type} is not JSON`, { cause });
    }
  }
  return undefined;
}
