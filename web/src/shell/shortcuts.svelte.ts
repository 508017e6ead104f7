/**
 * Keyboard shortcuts of the whole page. A shortcut is a key, such as `n`; two keys after one another, such as `g f`; or a
 * key with Ctrl or ⌘, such as `mod+z`. Single keys work outside of fields only, and can be switched off (WCAG 2.1.4).
 */
import { untrack } from "svelte";

import { browserStorage } from "../ui/storage";
import { matcher, type Stroke } from "./keys";

export interface Shortcut {
  keys: string;
  label: string;
  run: () => void;
}

/** Keys that a part of the page follows by itself, such as the player. */
export interface KeyGroup {
  title: string;
  rows: readonly (readonly [keys: string, label: string])[];
}

const STORED = "cloudkeep.singleKeys";

class Shortcuts {
  /** The shortcuts that work now. */
  all = $state.raw<readonly Shortcut[]>([]);
  /** The keys that parts of the page follow now. */
  groups = $state.raw<readonly KeyGroup[]>([]);
  /** Whether shortcuts without Ctrl or ⌘ work. */
  #hasSingleKeys = $state(browserStorage.getItem(STORED) !== "no");
  /** Whether the list of shortcuts is shown. */
  isShown = $state(false);

  get hasSingleKeys(): boolean {
    return this.#hasSingleKeys;
  }

  set hasSingleKeys(value: boolean) {
    this.#hasSingleKeys = value;
    browserStorage.setItem(STORED, value ? "yes" : "no");
  }

  /** Let shortcuts work until the returned function is called. */
  add(...shortcuts: Shortcut[]): () => void {
    // An effect that adds shortcuts does not depend on the others.
    this.all = [...untrack(() => this.all), ...shortcuts];
    return () => (this.all = this.all.filter((shortcut) => !shortcuts.includes(shortcut)));
  }

  /** List the keys of a part of the page until the returned function is called. */
  list(group: KeyGroup): () => void {
    this.groups = [...untrack(() => this.groups), group];
    return () => (this.groups = this.groups.filter((each) => each !== group));
  }

  /** Follow the keyboard. Returns a function that stops it. */
  start(): () => void {
    const match = matcher();
    const keydown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.repeat || event.isComposing || isTaken(event)) return;
      const keys = this.all.map((shortcut) => shortcut.keys);
      const found = match(strokeOf(event), keys);
      const shortcut = this.all.findLast(({ keys: own }) => own === found);
      if (!shortcut || !this.#works(shortcut)) return;
      event.preventDefault();
      shortcut.run();
    };
    document.addEventListener("keydown", keydown);
    return () => document.removeEventListener("keydown", keydown);
  }

  #works({ keys }: Shortcut): boolean {
    return this.#hasSingleKeys || keys.startsWith("mod+");
  }
}

function strokeOf(event: KeyboardEvent): Stroke {
  const isMod = event.ctrlKey || event.metaKey;
  return { key: event.altKey ? "" : event.key, isMod, at: event.timeStamp };
}

/** Whether the key belongs to a field, or to a dialog or menu that is open above the page. */
function isTaken(event: KeyboardEvent): boolean {
  const element = event.target instanceof HTMLElement ? event.target : null;
  return (
    element?.closest("input, select, textarea, [contenteditable], [role=menu]") != null ||
    document.querySelector("dialog[open]") !== null
  );
}

export const shortcuts = new Shortcuts();
