/** Where keys lead in a list or a grid. */

/** Rows that Page Up and Page Down pass over. */
const PAGE_ROWS = 5;

/** The place that a key leads to; null if it is no such key. `from` is -1 if no item has the focus yet. */
export function placeAfter(key: string, from: number, count: number, columns: number): number | null {
  const step = stepOf(key, columns);
  if (count === 0 || step === null) return null;
  if (from < 0) return key === "End" ? count - 1 : 0;
  const place = from + step;
  // Up and down stay in their column: at the edge they do not jump to another place of the row.
  if (Math.abs(step) === columns && columns > 1 && Number.isFinite(step)) return inColumn(from, place, count, columns);
  return Math.max(0, Math.min(count - 1, place));
}

function inColumn(from: number, place: number, count: number, columns: number): number {
  if (place < 0) return from;
  if (place < count) return place;
  // The last row may be shorter.
  return Math.floor(from / columns) < Math.floor((count - 1) / columns) ? count - 1 : from;
}

function stepOf(key: string, columns: number): number | null {
  switch (key) {
    case "ArrowLeft":
      return columns > 1 ? -1 : null;
    case "ArrowRight":
      return columns > 1 ? 1 : null;
    case "ArrowUp":
      return -columns;
    case "ArrowDown":
      return columns;
    case "PageUp":
      return -columns * PAGE_ROWS;
    case "PageDown":
      return columns * PAGE_ROWS;
    case "Home":
      return -Infinity;
    case "End":
      return Infinity;
    default:
      return null;
  }
}
