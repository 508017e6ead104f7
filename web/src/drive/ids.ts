/** Both lists in order, each ID once. */
export function joinIds(ids: readonly string[], more: readonly string[]): string[] {
  return [...new Set([...ids, ...more])];
}
