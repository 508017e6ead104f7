/** What somebody does in a list of items: select, open, ask for the menu, and what keys do. */
import type { Item, Items } from "../../drive/items.svelte";
import type { ItemList } from "../../drive/list.svelte";
import type { MenuPlace } from "../../ui/menu";
import type { Action, ActionsOf } from "../actions/actions";
import { dragging } from "./dragging.svelte";
import { placeAfter } from "./grid-keys";
import { Selection } from "./selection.svelte";

export interface BrowserOptions {
  list: () => ItemList;
  items: Items;
  actions: ActionsOf;
  /** The number of items beside each other. */
  columns: () => number;
  /** Open an item; null if the items of the list cannot be opened. */
  open: ((item: Item) => void) | null;
  /** Show an item and give it the focus. */
  focus: (id: string) => void;
}

export class ItemBrowser {
  readonly selection: Selection;
  menu = $state.raw<{ items: Item[]; at: MenuPlace } | null>(null);

  constructor(private readonly options: BrowserOptions) {
    this.selection = new Selection(() => options.list().ids);
  }

  get ids(): readonly string[] {
    return this.options.list().ids;
  }

  get selected(): Item[] {
    return this.#itemsOf(this.selection.ids);
  }

  click(event: MouseEvent): void {
    const { id, part } = targetOf(event);
    if (!id) return this.selection.clear();
    if (part === "more") return this.#openMenu(id, event.target as Element);
    if (part === "field") return;
    if (event.shiftKey || event.ctrlKey || event.metaKey) return this.#extend(event, id);
    if (part === "select") return this.selection.toggle(id);
    if (isTouch(event)) return this.#tap(event, id, part);
    if (part !== "open") this.selection.only(id);
  }

  doubleClick(event: MouseEvent): void {
    const { id, part } = targetOf(event);
    if (id && !part) this.#open(id);
  }

  contextMenu(event: MouseEvent): void {
    const { id, part } = targetOf(event);
    if (!id || part === "field") return;
    event.preventDefault();
    // A long touch selects: on touch screens the button beside the name has the menu.
    if (isTouch(event)) return this.selection.toggle(id);
    if (!this.selection.has(id)) this.selection.only(id);
    this.#openMenu(id, { x: event.clientX, y: event.clientY });
  }

  focused(event: FocusEvent): void {
    const { id } = targetOf(event);
    if (id) this.selection.activate(id);
  }

  dragStart(event: DragEvent): void {
    const { id } = targetOf(event);
    if (id) dragging.begin(event, this.#targets(id));
  }

  keydown(event: KeyboardEvent): void {
    const { id, part } = targetOf(event);
    if (part === "field" || event.defaultPrevented) return;
    const active = id ?? this.selection.active;
    if (this.#move(event, active) || this.#select(event, active) || (active && this.#act(event, active))) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  /** The focus leads to another item. */
  #move(event: KeyboardEvent, active: string | null): boolean {
    if (event.altKey || event.ctrlKey || event.metaKey) return false;
    const from = active === null ? -1 : this.ids.indexOf(active);
    const place = placeAfter(event.key, from, this.ids.length, this.options.columns());
    const id = place === null ? undefined : this.ids[place];
    if (id === undefined) return false;
    if (event.shiftKey) this.selection.extendTo(id);
    else this.selection.moveTo(id);
    this.options.focus(id);
    return true;
  }

  #select(event: KeyboardEvent, active: string | null): boolean {
    if (event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) {
      this.selection.all();
    } else if (event.key === "Escape" && this.selection.ids.length) {
      this.selection.clear();
    } else if (event.key === " " && active) {
      this.selection.toggle(active);
    } else {
      return false;
    }
    return true;
  }

  #act(event: KeyboardEvent, active: string): boolean {
    if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) {
      this.#openMenu(active, event.target as Element);
      return true;
    }
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      this.#open(active);
      return true;
    }
    // A key that is held would trash one item after another.
    if (event.repeat) return false;
    const action = this.#actionsFor(active).find(({ key }) => key === event.key);
    action?.run();
    return action !== undefined;
  }

  #actionsFor(id: string): Action[] {
    return this.options.actions(this.#targets(id)).flat();
  }

  /** What an action on an item means: all selected items, if it is one of them. */
  #targets(id: string): Item[] {
    return this.selection.has(id) ? this.selected : this.#itemsOf([id]);
  }

  #extend(event: MouseEvent, id: string): void {
    // A link would open in another window or tab.
    event.preventDefault();
    if (event.shiftKey) this.selection.extendTo(id);
    else this.selection.toggle(id);
  }

  /** A finger opens, or selects more once something is selected. */
  #tap(event: MouseEvent, id: string, part: string | null): void {
    if (this.selection.ids.length) {
      event.preventDefault();
      this.selection.toggle(id);
    } else if (part !== "open") this.#open(id);
  }

  #open(id: string): void {
    const [item] = this.#itemsOf([id]);
    if (item) this.options.open?.(item);
  }

  #openMenu(id: string, at: MenuPlace): void {
    this.menu = { items: this.#targets(id), at };
  }

  #itemsOf(ids: readonly string[]): Item[] {
    return ids.flatMap((id) => this.options.items.get(id) ?? []);
  }
}

function targetOf(event: Event): { id: string | null; part: string | null } {
  const element = event.target instanceof HTMLElement || event.target instanceof SVGElement ? event.target : null;
  const row = element?.closest<HTMLElement>("[data-id]");
  const part = element?.closest<HTMLElement>("[data-part]");
  return { id: row?.dataset["id"] ?? null, part: part?.dataset["part"] ?? null };
}

function isTouch(event: MouseEvent): boolean {
  return event instanceof PointerEvent && event.pointerType === "touch";
}
