/** The path of a signed URL on the page's own origin: the page may have been opened by another name of the server. */
export function ownPath(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}
