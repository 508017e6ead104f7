/** Files by their handles, which outlive the page. Only some browsers have them. */

const READ = { mode: "read" } as const;

/** What the types of TypeScript lack. */
interface AskingHandle extends FileSystemFileHandle {
  queryPermission?: (options: typeof READ) => Promise<PermissionState>;
  requestPermission?: (options: typeof READ) => Promise<PermissionState>;
}

interface HandleItem extends DataTransferItem {
  getAsFileSystemHandle?: () => Promise<FileSystemHandle | null>;
}

/** The handles of dropped files, by their names. Browsers forget what was dropped: to be called within the event. */
export async function handlesOf(items: Iterable<HandleItem>): Promise<Map<string, FileSystemFileHandle>> {
  const handles = await Promise.allSettled([...items].map(async (item) => item.getAsFileSystemHandle?.()));
  const found = handles.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  return new Map(
    found.filter((handle) => handle instanceof FileSystemFileHandle).map((handle) => [handle.name, handle]),
  );
}

/** The file, if the browser lets this page read it without a question. */
export async function grantedFile(handle: AskingHandle): Promise<File | null> {
  try {
    return (await handle.queryPermission?.(READ)) === "granted" ? await handle.getFile() : null;
  } catch {
    return null;
  }
}

/** The file, if the person allows that and it is still there. To be called by a click. */
export async function fileBy(handle: AskingHandle): Promise<File | null> {
  try {
    return (await handle.requestPermission?.(READ)) === "denied" ? null : await handle.getFile();
  } catch {
    return null;
  }
}
