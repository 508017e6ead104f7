/** Keep the page when a file is dropped where nothing takes it: the browser would show the file in its place. */
export function ignoreStrayDrops(): () => void {
  const events = new AbortController();
  addEventListener("dragover", ignore, events);
  addEventListener("drop", ignore, events);
  return () => events.abort();
}

function ignore(event: DragEvent): void {
  if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "none";
}
