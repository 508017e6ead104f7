/** The page that is shown, by the address of the browser. */
import type { Arrival } from "./arrival";
import { parseRoute, pathOf, type Route } from "./routes";

class Router {
  route = $state.raw<Route>(parseRoute(new URL(location.href)));
  /** The last change of the page; null for the first page, which the browser shows as usual. */
  arrival = $state.raw<Arrival | null>(null);

  /** Follow the browser's history and links of the page. Returns a function that stops it. */
  start(): () => void {
    const follow = (event: PopStateEvent) => this.#arrive(scrollOf(event.state));
    const click = (event: MouseEvent) => this.#click(event);
    // Content comes after the browser would have scrolled.
    history.scrollRestoration = "manual";
    addEventListener("popstate", follow);
    addEventListener("scroll", this.#rememberSoon, { passive: true });
    document.addEventListener("click", click);
    return () => {
      removeEventListener("popstate", follow);
      removeEventListener("scroll", this.#rememberSoon);
      document.removeEventListener("click", click);
    };
  }

  /** Show a page. With `replace`, the one before it cannot be returned to. */
  go(route: Route, { replace = false } = {}): void {
    this.#goTo(pathOf(route), replace);
  }

  #goTo(path: string, replace = false): void {
    if (replace) history.replaceState(null, "", path);
    else {
      this.#remember();
      history.pushState(null, "", path);
    }
    this.#arrive(0);
  }

  #arrive(scroll: number): void {
    clearTimeout(this.#remembering);
    const route = parseRoute(new URL(location.href));
    // Another search on the page of searches is the same page.
    const isSame = route.page === "search" && this.route.page === "search";
    this.route = route;
    if (!isSame) this.arrival = { scroll };
  }

  /** Keep where the page is scrolled to: when somebody goes back, the browser has left it before it tells. */
  #remember(): void {
    history.replaceState({ scroll: scrollY }, "");
  }

  #remembering: ReturnType<typeof setTimeout> | undefined;
  #rememberSoon = () => {
    clearTimeout(this.#remembering);
    this.#remembering = setTimeout(() => this.#remember(), 200);
  };

  /** Links to pages do not load the document again; all other clicks are the browser's. */
  #click(event: MouseEvent): void {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const isPlain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (!link || !isPlain || event.defaultPrevented || link.target || link.hasAttribute("download")) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || parseRoute(url).page === "not-found") return;
    event.preventDefault();
    this.#goTo(url.pathname + url.search);
  }
}

function scrollOf(state: unknown): number {
  return typeof state === "object" && state && "scroll" in state ? Number(state.scroll) || 0 : 0;
}

export const router = new Router();
