/** What menus consist of. */
import type { Component } from "svelte";

export interface MenuEntry {
  label: string;
  icon?: Component;
  /** The keys that do the same, as they are shown. */
  keys?: string;
  /** Set for one choice of several: whether it is the present one. */
  isChosen?: boolean;
  isDanger?: boolean;
  /** Why it cannot be done now. */
  obstacle?: string | null;
  run: () => void;
}

/** Groups have lines between them. */
export type MenuGroups = readonly (readonly MenuEntry[])[];

/** What a menu opens at: an element, or a place on the screen. */
export type MenuPlace = Element | { x: number; y: number };

const MARGIN = 8;

interface Box {
  width: number;
  height: number;
}

/** Where a menu of this size is whole on the screen: below its place if possible, else above. */
export function placeMenu(at: MenuPlace, menu: Box, screen: Box): { left: number; top: number } {
  const anchor = at instanceof Element ? at.getBoundingClientRect() : new DOMRect(at.x, at.y, 0, 0);
  const isRight = anchor.left + menu.width + MARGIN > screen.width;
  const left = isRight ? anchor.right - menu.width : anchor.left;
  const below = anchor.bottom + MARGIN / 2;
  const isBelow = below + menu.height + MARGIN <= screen.height;
  const top = isBelow ? below : anchor.top - menu.height - MARGIN / 2;
  return {
    left: clamp(left, MARGIN, screen.width - menu.width - MARGIN),
    top: clamp(top, MARGIN, screen.height - menu.height - MARGIN),
  };
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}
