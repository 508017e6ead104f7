/** What stands in the header editor. */
import { useHeadersEditorState } from "@graphiql/react";
import { useMemo } from "react";
import type { Headers } from "./api/http";
import { readObject } from "./json";

/** The headers for requests; none if the text is not valid. */
export function useHeaders(): Headers {
  const [editor] = useHeadersEditorState();
  return useMemo(() => (readObject(editor) ?? {}) as Headers, [editor]);
}
