import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where an engine keeps its files. Disposing of it removes a temporary one and leaves a given one. */
export interface DataFolder extends Disposable {
  readonly path: string;
}

/** The folder given, made when absent, or a temporary one for `name` that is removed at the end. */
export function dataFolder(name: string, given: string | undefined): DataFolder {
  if (given !== undefined) {
    const path = resolve(given);
    mkdirSync(path, { recursive: true });
    return { path, [Symbol.dispose]() {} };
  }
  const path = mkdtempSync(join(tmpdir(), `ordermesh-${name}-`));
  chmodSync(path, 0o711); // root runs Elasticsearch as nobody, who has to pass through
  // An interrupted run disposes of nothing; an engine may still be writing when the first pass looks.
  const remove = () => rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  process.once('exit', remove);
  return {
    path,
    [Symbol.dispose]() {
      process.off('exit', remove);
      remove();
    },
  };
}
