/** The searches of the account, also while another page is shown. */
import { drive } from "../drive/drive.svelte";
import { foundItems } from "../items/sources";
import type { SearchRoute } from "../navigation/routes";
import { filterOf } from "./filter";
import { Searches } from "./searches.svelte";

export const searches = new Searches<SearchRoute>({
  open: (search) => drive.open(foundItems(search.query, filterOf(search))),
  close: (list) => drive.close(list),
});

drive.onChange(() => searches.changed());
drive.onStop(() => searches.close());
