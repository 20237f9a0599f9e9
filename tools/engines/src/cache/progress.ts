/** Told what takes long: downloads, mostly. */
export interface Progress {
  /** Prints one line. */
  say(line: string): void;
  /** Shows how a download of about `totalBytes` proceeds, until disposed; `measure` answers the bytes so far. */
  track(label: string, totalBytes: number, measure: () => Promise<number>): Disposable;
}

/** Says nothing. */
export const noProgress: Progress = { say() {}, track: () => ({ [Symbol.dispose]() {} }) };

/** What {@link consoleProgress} writes to: `process.stdout`, or a stand-in. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

interface Download {
  readonly label: string;
  readonly totalBytes: number;
  readonly measure: () => Promise<number>;
  bytes: number;
}

const BAR_CELLS = 20;
const REDRAW_MS = 200;

/** Plain lines; on a terminal also one line of bars, one for each download that runs. */
export function consoleProgress(
  stream: ProgressStream = process.stdout,
  say: (line: string) => void = (line) => stream.write(`${line}\n`),
): Progress {
  const downloads = new Set<Download>();
  let timer: NodeJS.Timeout | undefined;
  const clear = () => {
    if (timer !== undefined) stream.write('\r\x1b[K');
  };
  const draw = async () => {
    for (const download of downloads) download.bytes = await download.measure();
    // The last one may have ended meanwhile: nobody would clear its bar.
    if (downloads.size > 0) stream.write(`\r\x1b[K${[...downloads].map(bar).join('   ')}`);
  };
  return {
    say(line) {
      clear();
      say(line);
    },
    track(label, totalBytes, measure) {
      this.say(`downloading ${label} (about ${megabytes(totalBytes)} MB)`);
      if (stream.isTTY !== true) return { [Symbol.dispose]() {} };
      const download: Download = { label, totalBytes, measure, bytes: 0 };
      downloads.add(download);
      timer ??= setInterval(() => void draw(), REDRAW_MS);
      return {
        [Symbol.dispose]() {
          clear();
          downloads.delete(download);
          if (downloads.size > 0) return;
          clearInterval(timer);
          timer = undefined;
        },
      };
    },
  };
}

function bar({ label, bytes, totalBytes }: Download): string {
  const share = Math.min(1, bytes / totalBytes);
  const full = Math.round(share * BAR_CELLS);
  return `${label} ${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)} ${megabytes(bytes)}/${megabytes(totalBytes)} MB`;
}

const megabytes = (bytes: number) => Math.round(bytes / 1e6);
