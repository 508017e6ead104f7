/** What happens when a page is shown: readers begin at its heading, and who returns finds the place where they were. */

export interface Arrival {
  /** Where the page was scrolled to when it was left; 0 for a new one. */
  scroll: number;
}

/** Events after which the page stays where somebody has moved it. */
const MOVES = ["wheel", "touchmove", "keydown", "pointerdown"] as const;

/** Wait for the heading and the content of a page. Returns a function that ends it. */
export function arrive(main: HTMLElement, { scroll }: Arrival): () => void {
  const stops = [whenFound(main, focusHeading), scrolledTo(scroll)];
  return () => stops.forEach((stop) => stop());
}

function focusHeading(heading: HTMLElement): void {
  // Somebody who types in the search has come here by typing, and goes on.
  if (document.activeElement instanceof HTMLInputElement) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

/** Pages are loaded late, so the heading may come later. */
function whenFound(main: HTMLElement, found: (heading: HTMLElement) => void): () => void {
  const look = () => {
    const heading = main.querySelector("h1");
    if (!heading) return;
    observer.disconnect();
    found(heading);
  };
  const observer = new MutationObserver(look);
  observer.observe(main, { childList: true, subtree: true });
  look();
  return () => observer.disconnect();
}

/** Lists come page by page, so the place may be reached later. */
function scrolledTo(top: number): () => void {
  const observer = new ResizeObserver(() => {
    scrollTo({ top, behavior: "instant" });
    if (scrollY >= top - 1) stop();
  });
  const stop = () => {
    observer.disconnect();
    for (const move of MOVES) removeEventListener(move, stop);
  };
  for (const move of MOVES) addEventListener(move, stop, { passive: true });
  observer.observe(document.body);
  return stop;
}
