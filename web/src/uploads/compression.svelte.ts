/** Whether smaller copies of videos are made. The choice is remembered in this browser. */
import { browserStorage } from "../ui/storage";
import type { Compression, Preset } from "./queue/plan";

const KEY = "cloudkeep.smaller-copies";
const PRESETS: readonly Preset[] = ["FAST", "BALANCED", "SMALL"];
/** Browsers do not know the type of all videos. */
const VIDEO_NAME = /\.(mp4|m4v|mov|mkv|webm|avi|mpe?g|m2ts|wmv|flv|3gp|ogv)$/i;

export class CompressionChoice {
  /** Null without smaller copies. */
  #preset = $state<Preset | null>(null);

  constructor(private readonly storage: Pick<Storage, "getItem" | "setItem" | "removeItem">) {
    const stored = storage.getItem(KEY);
    this.#preset = PRESETS.find((preset) => preset === stored) ?? null;
  }

  get preset(): Preset | null {
    return this.#preset;
  }

  set preset(preset: Preset | null) {
    this.#preset = preset;
    if (preset) this.storage.setItem(KEY, preset);
    else this.storage.removeItem(KEY);
  }

  of({ name, type }: Pick<File, "name" | "type">): Compression | null {
    const isVideo = type.startsWith("video/") || VIDEO_NAME.test(name);
    return isVideo && this.#preset ? { preset: this.#preset } : null;
  }
}

export const compression = new CompressionChoice(browserStorage);
