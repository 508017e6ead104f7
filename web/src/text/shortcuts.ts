/** Texts of keyboard shortcuts. */

export const SHORTCUTS = {
  title: "Keyboard shortcuts",
  show: "Show this list",
  singleKeys: "Use single keys as shortcuts",
  search: "Search",
  undo: "Undo",
  upload: "Upload files",
  newFolder: "New folder",
  layout: "Grid or list",
  up: "The folder above",
  goTo: (place: string) => `Go to ${place}`,
  inLists: "In lists",
  everywhere: "On this page",
  lists: [
    ["↑ ↓ ← →", "Go to an item"],
    ["Shift ↑ ↓", "Select more"],
    ["Space", "Select"],
    ["mod+a", "Select all"],
    ["Esc", "Clear the selection"],
    ["Enter", "Open"],
    ["F2", "Rename"],
    ["Del", "Move to trash"],
    ["Shift F10", "All actions"],
  ],
} as const;
