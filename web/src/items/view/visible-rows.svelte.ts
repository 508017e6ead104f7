/** Of a long list, the rows on the screen and those near it. All others are only room above and below. */
import type { Virtualizer } from "@tanstack/virtual-core";

export interface Measures {
  /** The number of rows. */
  count: number;
  /** The height of a row and of the gap after it, in pixels. */
  height: number;
  gap: number;
  /** Where the list begins on the page. */
  top: number;
}

interface Shown {
  start: number;
  end: number;
  before: number;
  after: number;
}

/** What is ready above and below the screen, in pixels. */
const READY = 500;

export class VisibleRows {
  /** What is shown; null for all rows. */
  shown = $state.raw<Shown | null>(null);
  #virtualizer: Virtualizer<Window, Element> | null = null;
  #stop: (() => void) | null = null;

  /** Show the rows of a list with these measures. */
  async update(measures: Measures): Promise<void> {
    const core = await import("@tanstack/virtual-core");
    const options = {
      count: measures.count,
      estimateSize: () => measures.height,
      gap: measures.gap,
      scrollMargin: measures.top,
      overscan: Math.ceil(READY / measures.height),
      getScrollElement: () => window,
      observeElementRect: core.observeWindowRect,
      observeElementOffset: core.observeWindowOffset,
      scrollToFn: core.windowScroll,
      initialOffset: () => window.scrollY,
      onChange: () => this.#read(),
    };
    if (this.#virtualizer) this.#virtualizer.setOptions(options);
    else this.#start(new core.Virtualizer<Window, Element>(options));
    this.#virtualizer?.measure();
    this.#virtualizer?._willUpdate();
    this.#read();
  }

  /** Bring a row onto the screen. */
  scrollTo(row: number): void {
    this.#virtualizer?.scrollToIndex(row, { align: "auto" });
    this.#read();
  }

  /** Show all rows. */
  stop(): void {
    this.#stop?.();
    this.#virtualizer = null;
    this.shown = null;
  }

  #start(virtualizer: Virtualizer<Window, Element>): void {
    this.#virtualizer = virtualizer;
    this.#stop = virtualizer._didMount();
  }

  #read(): void {
    const rows = this.#virtualizer?.getVirtualItems() ?? [];
    const [first, last] = [rows[0], rows.at(-1)];
    if (!first || !last || !this.#virtualizer) return;
    const { scrollMargin } = this.#virtualizer.options;
    const shown = {
      start: first.index,
      end: last.index + 1,
      before: first.start - scrollMargin,
      after: this.#virtualizer.getTotalSize() - (last.end - scrollMargin),
    };
    if (!isEqual(shown, this.shown)) this.shown = shown;
  }
}

function isEqual(a: Shown, b: Shown | null): boolean {
  return b !== null && a.start === b.start && a.end === b.end && a.before === b.before && a.after === b.after;
}
