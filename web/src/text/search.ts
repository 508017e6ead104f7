/** Texts of the search. */
import type { SizeRange } from "../navigation/routes";

export const SEARCH = {
  title: "Search",
  titleOf: (query: string) => `Results for “${query}”`,
  label: "Search your files",
  searching: "Searching",
  failed: "The search failed.",
  start: "Search for files and folders by their names.",
  startHint: "A part of a name is enough. Case and accents do not matter.",
  nothing: (query: string) => `Nothing matches “${query}”.`,
  nothingHint: "Try fewer or other words.",
  nothingFiltered: "Nothing of this kind or size was found.",
  notYet: "Nothing was found so far. There is more to search.",
  goOn: "Keep searching",
  place: "Place",
  anyKind: "Any kind",
  kind: "Kind",
  anySize: "Any size",
  size: "Size",
  sizes: {
    small: "Below 1 MB",
    medium: "1 to 100 MB",
    large: "100 MB to 1 GB",
    huge: "Above 1 GB",
  } satisfies Record<SizeRange, string>,
} as const;
