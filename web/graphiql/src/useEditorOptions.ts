/** Long lines are wrapped, since most screens are narrower than two columns of them. */
import { useGraphiQL } from "@graphiql/react";
import { useEffect } from "react";

export function useEditorOptions(): void {
  const { query, variables, headers } = useGraphiQL((state) => ({
    query: state.queryEditor,
    variables: state.variableEditor,
    headers: state.headerEditor,
  }));
  useEffect(() => {
    for (const editor of [query, variables, headers]) editor?.updateOptions({ wordWrap: "on" });
  }, [query, variables, headers]);
}
