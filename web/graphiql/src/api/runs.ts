/** The last operation that was run in an editor, with the newest part of its answer. */
import { createValue } from "../value";
import type { Run } from "./fetcher";
import type { Answer } from "./http";

export const lastRun = createValue<{ run: Run; answer: Answer } | null>(null);
