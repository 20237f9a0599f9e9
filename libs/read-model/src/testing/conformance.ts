import { describe } from 'vitest';
import { deadLetterRules } from './dead-letter-rules.ts';
import { editRules } from './edit-rules.ts';
import { notifierRules } from './notifier-rules.ts';
import { ownerRules } from './owner-rules.ts';
import { pageRules } from './page-rules.ts';
import { textRules } from './text-rules.ts';
import type { OpenViewStore } from './view-store.ts';
import { writeRules } from './write-rules.ts';

/**
 * Everything that the ports promise, as vitest tests: every pair of writer and reader has to pass them.
 * @param name of the store, for titles
 */
export function orderViewConformance(name: string, open: OpenViewStore): void {
  describe(name, () => {
    writeRules(open);
    editRules(open);
    deadLetterRules(open);
    pageRules(open);
    ownerRules(open);
    textRules(open);
    notifierRules(open);
  });
}
