/** Files by their handles, which outlive the page. Only some browsers have them. */

/** What the types of TypeScript lack. */
interface AskingHandle extends FileSystemFileHandle {
  requestPermission?: (options: { mode: "read" }) => Promise<PermissionState>;
}

/** The file, if the person allows that and it is still there. To be called by a click. */
export async function fileBy(handle: AskingHandle): Promise<File | null> {
  try {
    if ((await handle.requestPermission?.({ mode: "read" })) === "denied") return null;
    return await handle.getFile();
  } catch {
    return null;
  }
}
