/** Asks for files or a folder of this device, and uploads them. */
import { queue } from "../queue/queue.svelte";
import { chosen } from "./drop";

export function chooseFiles(folderId: string): void {
  const field = fieldFor(folderId);
  field.multiple = true;
  field.click();
}

export function chooseFolder(folderId: string): void {
  const field = fieldFor(folderId);
  field.webkitdirectory = true;
  field.click();
}

function fieldFor(folderId: string): HTMLInputElement {
  const field = document.createElement("input");
  field.type = "file";
  field.addEventListener("change", () => queue.add(chosen(field.files ?? []), folderId));
  return field;
}
