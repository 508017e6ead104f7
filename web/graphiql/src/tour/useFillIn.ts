/** Fills in the IDs of earlier answers when a tab is opened. */
import { useGraphiQL } from "@graphiql/react";
import { useEffect } from "react";
import { fillIn } from "./ids";

export function useFillIn(): void {
  const { tab, editor } = useGraphiQL((state) => ({
    tab: state.tabs[state.activeTabIndex]?.id,
    editor: state.variableEditor,
  }));
  useEffect(() => {
    const variables = editor && fillIn(editor.getValue());
    if (variables) editor.setValue(variables);
  }, [tab, editor]);
}
