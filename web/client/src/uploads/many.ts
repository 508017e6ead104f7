/** Sends many files: large ones each by itself, small ones in groups. */
import type { FileToUpload, UploadAllOptions } from "./options";
import { isSmall, MAX_FILES, sendGroup } from "./small";
import { StartedUpload, type Server } from "./upload";

/** Chunks of a file at the same time: a browser opens few connections, and other requests need some of them. */
const CHUNKS = 2;

export async function uploadAll(
  server: Server,
  files: Iterable<FileToUpload>,
  { parallel = 2, signal, onSettled }: UploadAllOptions,
): Promise<void> {
  const next = tasksOf(files);

  async function sendOne(file: FileToUpload): Promise<void> {
    const options = { parallel: CHUNKS, ...(signal && { signal }), ...file.options };
    await new StartedUpload(server, file.source, options).done.then(
      (result) => onSettled?.(file, { result }),
      (error: unknown) => onSettled?.(file, { error }),
    );
  }

  async function send(group: FileToUpload[]): Promise<void> {
    const results = group.length > 1 ? await sendGroup(server, group, signal && { signal }) : [];
    for (const [position, file] of group.entries()) {
      signal?.throwIfAborted();
      const result = results[position];
      if (result) onSettled?.(file, { result });
      // It goes on by itself, with the reasons of the server if it was refused.
      else await sendOne(file);
    }
  }

  async function work(): Promise<void> {
    for (let task; (task = next());) {
      signal?.throwIfAborted();
      await send(task);
    }
  }

  await Promise.all(Array.from({ length: parallel }, work));
}

/** A function that returns the next group of small files, or a large one, or null at the end. */
function tasksOf(files: Iterable<FileToUpload>): () => FileToUpload[] | null {
  const rest = files[Symbol.iterator]();
  let large: FileToUpload | undefined;

  return () => {
    if (large) {
      const task = [large];
      large = undefined;
      return task;
    }
    const group: FileToUpload[] = [];
    while (group.length < MAX_FILES) {
      const step = rest.next();
      if (step.done) break;
      const { value } = step;
      if (isSmall(value)) {
        group.push(value);
      } else if (group.length) {
        large = value;
        break;
      } else {
        return [value];
      }
    }
    return group.length ? group : null;
  };
}
