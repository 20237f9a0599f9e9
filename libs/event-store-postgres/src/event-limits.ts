import { ReasonError } from '@ordermesh/contract';
import type { Append } from '@ordermesh/event-sourcing';

/** Largest event, in bytes of its JSON: a bus message has to hold it, and a reader of 500 events their sum. */
export const maxEventBytes = 256 * 1024;

/** Why a command cannot be stored, whatever else is; undefined when nothing speaks against it. */
export function unstorable({ events }: Append): Error | undefined {
  if (events.length === 0) return new Error('a command to append has at least one event');
  for (const { data } of events) {
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
    if (suspicious.test(data) && !isStorable(data)) return unstorableText();
  }
  return undefined;
}

/** Escapes of U+0000 and of surrogates; also behind an escaped backslash, hence only a reason to look closer. */
const suspicious = /\\u(0000|d[89a-f])/i;

/** PostgreSQL's JSON holds neither U+0000 nor half of a surrogate pair, and would refuse the whole batch. */
function isStorable(data: string): boolean {
  let storable = true;
  const look = (text: string) => {
    if (text.includes('\0') || !text.isWellFormed()) storable = false;
  };
  try {
    JSON.parse(data, (name, value) => {
      look(name);
      if (typeof value === 'string') look(value);
      return value;
    });
  } catch {
    return true; // no JSON: the database says so
  }
  return storable;
}

function unstorableText(): ReasonError {
  const message =
    'The command has a text that cannot be stored: U+0000 or half of a surrogate pair.';
  return new ReasonError('INVALID_REQUEST', message);
}
