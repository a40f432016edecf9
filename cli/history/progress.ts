import { Presets, SingleBar } from 'cli-progress';

/** How far long work has come, on a terminal; nothing is shown where nobody looks. */
export interface Progress {
  /** @param total undefined while nobody knows. */
  show(done: number, total: number | undefined): void;
  end(): void;
}

/** @param unit of what is counted, for example `items`. */
export function openProgress(title: string, unit: string, stream: NodeJS.WriteStream): Progress {
  if (!stream.isTTY) return { show: () => {}, end: () => {} };
  const format = `${title} {bar} {percentage}% {value} of {total} ${unit}, {duration_formatted}`;
  const bar = new SingleBar(
    { format, stream, hideCursor: true, stopOnComplete: false },
    Presets.shades_classic,
  );
  bar.start(0, 0);
  return {
    show: (done, total) => {
      // An estimate can be too low: what has been done is a part of it all the same.
      bar.setTotal(Math.max(total ?? done, done, 1));
      bar.update(done);
    },
    end: () => bar.stop(),
  };
}
