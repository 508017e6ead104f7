/** The pages and their paths. */

export type Route =
  | { page: "folder"; id: string | null }
  | { page: "file"; id: string }
  | { page: "search"; query: string }
  | { page: "starred" }
  | { page: "trash" }
  | { page: "account"; section: AccountSection }
  | { page: "sign-in" }
  | { page: "sign-up" }
  | { page: "reset" }
  | { page: "not-found" };

export type AccountSection = "profile" | "security" | "sessions" | "tokens";

const ACCOUNT_SECTIONS = new Map<string, AccountSection>([
  ["", "profile"],
  ["security", "security"],
  ["sessions", "sessions"],
  ["tokens", "tokens"],
]);

/** The page of an address. */
export function parseRoute(url: URL): Route {
  const [first = "", second = "", ...rest] = url.pathname.split("/").slice(1);
  if (rest.length > 0) return { page: "not-found" };
  if (first === "f" && second) return { page: "folder", id: second };
  if (first === "file" && second) return { page: "file", id: second };
  if (first === "account") return accountRoute(second);
  return second ? { page: "not-found" } : pageRoute(first, url);
}

function accountRoute(name: string): Route {
  const section = ACCOUNT_SECTIONS.get(name);
  return section ? { page: "account", section } : { page: "not-found" };
}

function pageRoute(name: string, url: URL): Route {
  switch (name) {
    case "":
      return { page: "folder", id: null };
    case "search":
      return { page: "search", query: url.searchParams.get("q") ?? "" };
    case "starred":
    case "trash":
    case "sign-in":
    case "sign-up":
    case "reset":
      return { page: name };
    default:
      return { page: "not-found" };
  }
}

/** The path of a page. */
export function pathOf(route: Route): string {
  switch (route.page) {
    case "folder":
      return route.id === null ? "/" : `/f/${route.id}`;
    case "file":
      return `/file/${route.id}`;
    case "search":
      return `/search?q=${encodeURIComponent(route.query)}`;
    case "account":
      return route.section === "profile" ? "/account" : `/account/${route.section}`;
    case "not-found":
      return "/";
    default:
      return `/${route.page}`;
  }
}
