/** The files that were dropped, until their bytes are sent. */
import type { Run } from "../api/fetcher";
import type { Answer } from "../api/http";
import { text } from "../text";
import { createValue } from "../value";
import { fillSlots, missingSlots, type Sending, type Slot } from "./slots";

type State =
  /** Its `initUpload` was not run yet. */
  { is: "waiting" } | { is: "sending"; bytes: number } | { is: "sent" } | { is: "failed"; reason: string };

/** One file. */
export interface OutgoingFile {
  id: number;
  file: File;
  state: State;
  /** What is needed to go on after a failure. */
  upload?: { id: string; headers: Run["headers"] };
}

export const outbox = createValue<readonly OutgoingFile[]>([]);

let lastId = 0;
const stops = new Map<number, AbortController>();

/** Keeps a file until its `initUpload` is run. */
export function add(file: File): void {
  outbox.set([...outbox.get(), { id: ++lastId, file, state: { is: "waiting" } }]);
}

/** Forgets a file. What is being sent stops. */
export function remove(id: number): void {
  stops.get(id)?.abort();
  outbox.set(outbox.get().filter((one) => one.id !== id));
}

/** Sends what is missing of a file that failed. */
export function tryAgain({ id, upload }: OutgoingFile): void {
  if (upload) void send(id, upload, (sending) => missingSlots(sending));
}

interface Init {
  upload: { id: string; direct?: boolean; slots?: { nodes: Slot[] } } | null;
}

/** Begins to send a file if this is the answer to its `initUpload`. */
export function hearUpload({ params, headers }: Run, answer: Answer): void {
  const upload = (answer.data?.["initUpload"] as Init | undefined)?.upload;
  const { input } = (params.variables ?? {}) as { input?: { fileName?: string; size?: number } };
  const item = upload && fileOf(input);
  if (!item) return;
  const problem = problemOf(upload);
  if (problem) return change(item.id, { state: { is: "failed", reason: problem } });
  void send(item.id, { id: upload.id, headers }, () => Promise.resolve(upload.slots?.nodes ?? []));
}

/** The file that waits for this input; its name may have been changed. */
function fileOf(input: { fileName?: string; size?: number } = {}): OutgoingFile | undefined {
  const fitting = outbox.get().filter(({ file, state }) => state.is === "waiting" && file.size === input.size);
  return fitting.find(({ file }) => file.name === input.fileName) ?? fitting[0];
}

function problemOf({ direct, slots }: NonNullable<Init["upload"]>): string | null {
  if (direct) return text.files.direct;
  const [slot] = slots?.nodes ?? [];
  const isComplete = slots && (!slot || ("url" in slot && "offset" in slot && "size" in slot && "index" in slot));
  return isComplete ? null : text.files.noSlots;
}

async function send(
  id: number,
  upload: NonNullable<OutgoingFile["upload"]>,
  slotsOf: (sending: Omit<Sending, "slots">) => Promise<Slot[]>,
): Promise<void> {
  const file = outbox.get().find((one) => one.id === id)?.file;
  if (!file) return;
  const stop = new AbortController();
  stops.set(id, stop);
  change(id, { upload, state: { is: "sending", bytes: 0 } });
  const onProgress = (bytes: number): void => change(id, { state: { is: "sending", bytes } });
  const sending = { uploadId: upload.id, file, headers: upload.headers, onProgress, signal: stop.signal };
  try {
    await fillSlots({ ...sending, slots: await slotsOf(sending) });
    change(id, { state: { is: "sent" } });
  } catch (error) {
    stop.abort();
    change(id, { state: { is: "failed", reason: error instanceof Error ? error.message : String(error) } });
  }
}

function change(id: number, changes: Partial<OutgoingFile>): void {
  outbox.set(outbox.get().map((one) => (one.id === id ? { ...one, ...changes } : one)));
}
