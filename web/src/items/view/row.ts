/** What a row of a list and a card of a grid show. */
import type { Item } from "../../drive/items.svelte";

export interface RowProps {
  item: Item;
  /** Its number in the list, counted from 1. */
  number: number;
  isSelected: boolean;
  /** Whether the Tab key leads to it. */
  isTabStop: boolean;
  isRenaming: boolean;
  /** Whether its menu is open. */
  isMenuOpen: boolean;
  /** Whether something that would be moved into it is dragged over it. */
  isTarget: boolean;
  canOpen: boolean;
  canDrag: boolean;
  onRenamed: () => void;
}
