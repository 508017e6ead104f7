/** Short messages at the edge of the page, some with a way to undo what they tell of. */

export interface Toast {
  text: string;
  kind: "done" | "error";
  /** The ID of the request that has failed. */
  requestId?: string | null;
  action?: { label: string; run: () => void | Promise<void> };
}

/** Long enough to read it and to reach its button (WCAG 2.2.1 asks that people can take their time: see `hold`). */
const SHOWN_MS = 10_000;
const MAX_SHOWN = 3;

class Toasts {
  shown = $state.raw<readonly Toast[]>([]);
  readonly #timers = new Map<Toast, ReturnType<typeof setTimeout>>();

  show(toast: Toast): void {
    this.shown = [...this.shown, toast];
    for (const old of this.shown.slice(0, -MAX_SHOWN)) this.dismiss(old);
    this.release(toast);
  }

  dismiss(toast: Toast): void {
    this.hold(toast);
    this.shown = this.shown.filter((other) => other !== toast);
  }

  /** Keep a message while somebody points at it or has the focus in it. */
  hold(toast: Toast): void {
    clearTimeout(this.#timers.get(toast));
    this.#timers.delete(toast);
  }

  /** Let a message go after its time. */
  release(toast: Toast): void {
    this.hold(toast);
    this.#timers.set(
      toast,
      setTimeout(() => this.dismiss(toast), SHOWN_MS),
    );
  }
}

export const toasts = new Toasts();
