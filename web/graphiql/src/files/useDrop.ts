/** Takes files that are dropped anywhere on the page. */
import { useEffect, useEffectEvent, useState } from "react";

/** Browsers repeat `dragover` more often than this, in milliseconds, also while nothing moves. */
const LONGEST_PAUSE = 600;

/** Whether files are over the page. The editors get none of them: they would insert their names. */
export function useDrop(dropped: (files: FileList) => void): boolean {
  const [isOver, setOver] = useState(false);
  const onDrop = useEffectEvent(dropped);

  useEffect(() => {
    const listening = new AbortController();
    let gone: ReturnType<typeof setTimeout>;
    const on = (type: "dragover" | "drop", listener: (files: FileList) => void): void =>
      addEventListener(
        type,
        (event) => {
          if (!event.dataTransfer?.types.includes("Files")) return;
          event.preventDefault();
          event.stopPropagation();
          clearTimeout(gone);
          listener(event.dataTransfer.files);
        },
        { capture: true, signal: listening.signal },
      );
    on("dragover", () => {
      setOver(true);
      gone = setTimeout(() => setOver(false), LONGEST_PAUSE);
    });
    on("drop", (files) => {
      setOver(false);
      onDrop(files);
    });
    return () => {
      clearTimeout(gone);
      listening.abort();
    };
  }, []);

  return isOver;
}
