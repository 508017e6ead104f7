/** The page that is shown, by the address of the browser. */
import { parseRoute, pathOf, type Route } from "./routes";

class Router {
  route = $state.raw<Route>(parseRoute(new URL(location.href)));

  /** Follow the browser's history and links of the page. Returns a function that stops it. */
  start(): () => void {
    const follow = () => this.#read();
    const click = (event: MouseEvent) => this.#click(event);
    addEventListener("popstate", follow);
    document.addEventListener("click", click);
    return () => {
      removeEventListener("popstate", follow);
      document.removeEventListener("click", click);
    };
  }

  /** Show a page. With `replace`, the one before it cannot be returned to. */
  go(route: Route, { replace = false } = {}): void {
    this.#goTo(pathOf(route), replace);
  }

  #goTo(path: string, replace = false): void {
    if (replace) history.replaceState(null, "", path);
    else history.pushState(null, "", path);
    this.#read();
  }

  #read(): void {
    this.route = parseRoute(new URL(location.href));
  }

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

export const router = new Router();
