import { nodeFiles } from '../files.ts';
import { type FoundHistories, listHistories } from './history-listing.ts';
import type { LogPart } from './load-plan.ts';
import { writeProgress } from './progress.ts';
import { type SplitFile, splitSegment } from './segment-split.ts';
import type { HistoryWindow } from './window.ts';
import { serveWorker, type WorkerContext } from './worker-thread.ts';

/** What a historian has done in a thread of its own. */
export type HistorianRequest = ListRequest | SplitRequest;

/** Which files there are; the result is `FoundHistories`. */
export interface ListRequest {
  readonly kind: 'list';
  /** The folder of all windows. */
  readonly history: string;
  readonly windows: readonly HistoryWindow[];
}

/** Takes segments apart, one after the other, and sends a `SplitMessage` after each. */
export interface SplitRequest {
  readonly kind: 'split';
  readonly history: string;
  /** Whole segments. */
  readonly part: LogPart;
  readonly windows: readonly HistoryWindow[];
  /** Of the last change of each window that is in a file, by the windows' sequence numbers. */
  readonly lastSequences: Readonly<Record<string, number>>;
}

/** The log before is in files, durably, and so is the knowledge of it. */
export interface SplitMessage {
  readonly lsn: number;
  readonly files: readonly SplitFile[];
}

await serveWorker(
  async (
    request: HistorianRequest,
    context: WorkerContext<SplitMessage>,
  ): Promise<FoundHistories | undefined> => {
    if (request.kind === 'list') return listHistories(request.history, request.windows);
    await splitSegments(request, context);
    return undefined;
  },
);

async function splitSegments(
  { history, part, windows, lastSequences: known }: SplitRequest,
  context: WorkerContext<SplitMessage>,
): Promise<void> {
  const lastSequences: Record<string, number> = { ...known };
  const options = { history, logId: part.logId, signal: context.signal };
  await nodeFiles.makeDirectory(history);
  for (const segment of part.segments) {
    const followed = windows.map((window) => ({
      ...window,
      previousSequence: lastSequences[window.sequence] ?? 0,
    }));
    const files = await splitSegment(segment, followed, options);
    for (const { window, file } of files) lastSequences[window] = file.last.sequence;
    const lsn = segment.start + segment.bytes;
    writeProgress(history, { lsn, lastSequences });
    await context.send({ lsn, files });
  }
}
