/** Reports chunks that were sent straight to S3. Those that arrive during a request are reported by the next one. */
import { CloudKeepError, type UserError } from "../../errors";
import type { Request, RequestOptions } from "../../requests";
import { REPORT_CHUNKS, type ChunkReport } from "../operations";

interface Waiting {
  report: ChunkReport;
  resolve: () => void;
  reject: (error: unknown) => void;
}

export type Report = (report: ChunkReport) => Promise<void>;

/** A function that resolves when the server has recorded a chunk. */
export function reportsOf(request: Request, uploadId: string, options: RequestOptions): Report {
  let queue: Waiting[] = [];
  let isSending = false;

  async function send(): Promise<void> {
    isSending = true;
    while (queue.length) {
      const batch = queue;
      queue = [];
      try {
        const chunks = batch.map(({ report }) => report);
        const { payload } = await request(REPORT_CHUNKS, { input: { uploadId, chunks } }, options);
        settle(batch, payload.userErrors);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    isSending = false;
  }

  return (report) =>
    new Promise((resolve, reject) => {
      queue.push({ report, resolve, reject });
      if (!isSending) void send();
    });
}

function settle(batch: Waiting[], errors: readonly UserError[]): void {
  batch.forEach(({ resolve, reject }, position) => {
    // An error without the path of a chunk is one of all chunks.
    const error = errors.find(({ field }) => !field?.includes("chunks") || field.includes(String(position)));
    // SLOT_CONFLICT: the bytes of another sender are there. The server compares them with the whole file.
    if (!error || error.code === "SLOT_CONFLICT") resolve();
    else reject(new CloudKeepError(error.code, error.message, error));
  });
}
