/** The pages and their paths. */
import type { FileKind } from "../api/generated/graphql";

export type Route =
  | { page: "folder"; id: string | null }
  | { page: "file"; id: string }
  | SearchRoute
  | { page: "starred" }
  | { page: "trash" }
  | { page: "account"; section: AccountSection }
  | { page: "sign-in" }
  | { page: "sign-up" }
  | { page: "reset" }
  | { page: "not-found" };

export interface SearchRoute {
  page: "search";
  query: string;
  kind?: FileKind;
  size?: SizeRange;
}

/** The sizes that a search can be limited to. */
export type SizeRange = "small" | "medium" | "large" | "huge";

export const SIZES: readonly SizeRange[] = ["small", "medium", "large", "huge"];
export const KINDS: readonly FileKind[] = ["VIDEO", "AUDIO", "IMAGE", "DOCUMENT", "ARCHIVE", "OTHER"];

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
      return searchRoute(url.searchParams);
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

function searchRoute(params: URLSearchParams): SearchRoute {
  const kind = KINDS.find((one) => one.toLowerCase() === params.get("kind"));
  const size = SIZES.find((one) => one === params.get("size"));
  return { page: "search", query: params.get("q") ?? "", ...(kind && { kind }), ...(size && { size }) };
}

function searchPath({ query, kind, size }: SearchRoute): string {
  const filters = [kind && `&kind=${kind.toLowerCase()}`, size && `&size=${size}`];
  return `/search?q=${encodeURIComponent(query)}${filters.filter(Boolean).join("")}`;
}

/** The path of a page. */
export function pathOf(route: Route): string {
  switch (route.page) {
    case "folder":
      return route.id === null ? "/" : `/f/${route.id}`;
    case "file":
      return `/file/${route.id}`;
    case "search":
      return searchPath(route);
    case "account":
      return route.section === "profile" ? "/account" : `/account/${route.section}`;
    case "not-found":
      return "/";
    default:
      return `/${route.page}`;
  }
}
