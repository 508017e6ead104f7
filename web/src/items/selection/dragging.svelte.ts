/** Items that are dragged, and the folder that they are over. Other windows see only that something is dragged. */
import type { Item } from "../../drive/items.svelte";
import { DESTINATION } from "../../text/files";

/** The type of what this page drags. Files from outside have the type `Files`. */
const TYPE = "application/x-cloudkeep-items";

class Dragging {
  items = $state.raw<readonly Item[]>([]);
  /** The folder on the page that is pointed at. */
  over = $state.raw<string | null>(null);

  begin(event: DragEvent, items: readonly Item[]): void {
    const [item] = items;
    if (!event.dataTransfer || !item) return;
    this.items = items;
    event.dataTransfer.effectAllowed = "copyMove";
    event.dataTransfer.setData(TYPE, String(items.length));
    showBeside(event.dataTransfer, DESTINATION.things(items.length, item.name));
  }

  end(): void {
    this.items = [];
    this.over = null;
  }

  /** Whether what is dragged may be dropped on a folder. */
  accepts(folderId: string): boolean {
    return !this.items.some((item) => item.id === folderId || item.parent?.id === folderId);
  }
}

/** Show a small card at the pointer in place of the whole row. */
function showBeside(transfer: DataTransfer, text: string): void {
  const card = document.createElement("div");
  card.className = "drag-card";
  card.textContent = text;
  document.body.append(card);
  transfer.setDragImage(card, -12, -12);
  setTimeout(() => card.remove());
}

export const dragging = new Dragging();
