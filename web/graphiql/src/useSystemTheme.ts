/** The editors are light or dark as the system is, also when that changes. GraphiQL sets them only once. */
import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { useEffect } from "react";

/** Follows the system while no theme is chosen in the settings. */
export function useSystemTheme(): void {
  const { setTheme } = useGraphiQLActions();
  const theme = useGraphiQL((state) => state.theme);
  useEffect(() => {
    if (theme !== null) return;
    const stopped = new AbortController();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTheme(null), {
      signal: stopped.signal,
    });
    return () => stopped.abort();
  }, [theme, setTheme]);
}
