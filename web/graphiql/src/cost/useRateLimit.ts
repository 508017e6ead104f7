/** The budgets that pay for the viewer's operations, after each run. */
import { useEffect, useState } from "react";
import { type Headers, post } from "../api/http";
import { lastRun } from "../api/runs";
import { useHeaders } from "../useHeaders";
import { useValue } from "../value";

const RATE_LIMIT = `query RateLimit {
  rateLimit { layers { name limit remaining restoreRate } }
}`;

/** One budget. */
export interface Layer {
  name: string;
  limit: number;
  remaining: number;
  restoreRate: number;
}

/** The budgets; none on a server without them, or before the first answer. */
export function useRateLimit(): Layer[] {
  const headers = useHeaders();
  // Events of one subscription are one run.
  const run = useValue(lastRun)?.run;
  const [layers, setLayers] = useState<Layer[]>([]);

  useEffect(() => {
    const stopped = new AbortController();
    fetchLayers(headers, stopped.signal).then(setLayers, () => {
      // The table stays as it was: the next run asks again.
    });
    return () => stopped.abort();
  }, [run, headers]);

  return layers;
}

async function fetchLayers(headers: Headers, signal: AbortSignal): Promise<Layer[]> {
  const answer = await post<{ rateLimit: { layers: Layer[] } | null }>({ query: RATE_LIMIT }, headers, signal);
  return answer.data?.rateLimit?.layers ?? [];
}
