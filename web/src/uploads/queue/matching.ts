/** Finds the uploads that files belong to. */
import { identityOf, type Entry } from "./plan";
import type { QueuedUpload } from "./queued-upload.svelte";

/** Each file with the uploads that are of it: more than one, if it goes into several folders. */
export function uploadsByFile(
  entries: readonly Entry[],
  uploads: Iterable<QueuedUpload>,
): [entry: Entry, uploads: QueuedUpload[]][] {
  const wanted = Map.groupBy(uploads, ({ plan }) => identityOf(plan));
  return entries.map((entry) => [entry, wanted.get(identityOf(entry.file)) ?? []]);
}
