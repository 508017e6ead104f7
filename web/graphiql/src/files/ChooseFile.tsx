/** A button of the toolbar that does what a drop does, for those who do not drag. */
import { ToolbarButton } from "@graphiql/react";
import { useRef } from "react";
import { text } from "../text";
import { usePlaceFiles } from "./usePlaceFiles";

export function ChooseFile() {
  const input = useRef<HTMLInputElement>(null);
  const place = usePlaceFiles();
  return (
    <>
      <ToolbarButton label={text.files.choose} onClick={() => input.current?.click()}>
        <svg
          className="graphiql-toolbar-icon"
          viewBox="0 0 24 24"
          fill="none"
          stroke="currentColor"
          strokeWidth="1.6"
          aria-hidden="true"
        >
          <path d="M12 16V4m-5 5 5-5 5 5M4 20h16" />
        </svg>
      </ToolbarButton>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={text.files.choose}
        onChange={({ currentTarget }) => {
          place(currentTarget.files ?? []);
          // The same file may be chosen again.
          currentTarget.value = "";
        }}
      />
    </>
  );
}
