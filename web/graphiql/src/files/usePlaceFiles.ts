/** Makes an `initUpload` operation for a file. */
import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { readObject } from "../json";
import { documents } from "../tour/documents";
import { add } from "./outbox";

/** How many tabs one drop opens at most. */
export const MAX_FILES = 5;

const INIT_UPLOAD = /\binitUpload\s*\(/;

type PlaceFiles = (files: Iterable<File>) => void;

/** Puts files into the operation of the tab, if that is an `initUpload`, and else into tabs of their own. */
export function usePlaceFiles(): PlaceFiles {
  const actions = useGraphiQLActions();
  const { queryEditor, variableEditor, headerEditor } = useGraphiQL((state) => ({
    queryEditor: state.queryEditor,
    variableEditor: state.variableEditor,
    headerEditor: state.headerEditor,
  }));

  const place = (file: File, isFirst: boolean): void => {
    const isHere = isFirst && INIT_UPLOAD.test(queryEditor?.getValue() ?? "");
    const current = isHere ? readObject(variableEditor?.getValue() ?? "") : null;
    if (!current) {
      // A new tab has no headers, and the file belongs to whom the tab before it acts for.
      const headers = headerEditor?.getValue() ?? "";
      actions.addTab();
      queryEditor?.setValue(documents.initUpload);
      headerEditor?.setValue(headers);
    }
    variableEditor?.setValue(JSON.stringify(withFile(current ?? {}, file), null, 2));
    add(file);
  };
  return (files) => [...files].slice(0, MAX_FILES).forEach((file, index) => place(file, index === 0));
}

const withFile = (variables: Record<string, unknown>, { name, size, type }: File): Record<string, unknown> => ({
  ...variables,
  input: { ...(variables["input"] as object | undefined), fileName: name, size, mimeType: type || null, direct: false },
});
