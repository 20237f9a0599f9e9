import type { JsonObject } from '@bufbuild/protobuf';
import type { EventType } from './events.ts';

/**
 * Turns an event's stored JSON of one schema version into that of the next. Pure and total: it gets every event of that version that was ever stored, and what the old
 * one does not say it must make up the same way each time.
 */
export type Upcaster = (data: JsonObject) => JsonObject;

/**
 * Per event the steps from version 1 to 2, from 2 to 3, and so on; none for an event that still is as it first was. To change an event: change its message, append a step
 * here, and commit events of the new version to `golden-events/`; `npm run check` holds the three together. A step is never changed or removed, for the log never forgets.
 */
export const upcasters: Readonly<Partial<Record<EventType, readonly Upcaster[]>>> = {};
