/** What a search can be limited to. */
import type { ItemFilter } from "../api/generated/graphql";
import type { SearchRoute, SizeRange } from "../navigation/routes";

const MB = 1_000_000;
const RANGES: Readonly<Record<SizeRange, Pick<ItemFilter, "minSize" | "maxSize">>> = {
  small: { maxSize: MB - 1 },
  medium: { minSize: MB, maxSize: 100 * MB - 1 },
  large: { minSize: 100 * MB, maxSize: 1000 * MB - 1 },
  huge: { minSize: 1000 * MB },
};

export function filterOf({ kind, size }: Pick<SearchRoute, "kind" | "size">): ItemFilter | null {
  if (!kind && !size) return null;
  return { ...(kind && { kinds: [kind] }), ...(size && RANGES[size]) };
}
