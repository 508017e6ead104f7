/** The files that wait, are being sent or were sent, below the answer. */
import { text } from "../text";
import { useValue } from "../value";
import { type OutgoingFile, outbox, remove, tryAgain } from "./outbox";

export function FileList() {
  const files = useValue(outbox);
  return (
    <ul className="files" aria-label={text.files.title} hidden={files.length === 0}>
      {files.map((one) => (
        <Item key={one.id} outgoing={one} />
      ))}
    </ul>
  );
}

function Item({ outgoing }: { outgoing: OutgoingFile }) {
  const { id, file, state, upload } = outgoing;
  return (
    <li>
      <span className="name">{file.name}</span>
      <span role="status" className={state.is === "failed" ? "state failed" : "state"}>
        {state.is === "failed" ? text.files.failed(state.reason) : text.files[state.is]}
      </span>
      {state.is === "sending" && (
        <progress aria-label={text.files.progress(file.name)} max={file.size || 1} value={state.bytes} />
      )}
      {state.is === "failed" && upload && (
        <button type="button" onClick={() => tryAgain(outgoing)}>
          {text.files.tryAgain}
        </button>
      )}
      <button
        type="button"
        aria-label={state.is === "sending" ? text.files.stopNamed(file.name) : text.files.removeNamed(file.name)}
        onClick={() => remove(id)}
      >
        {state.is === "sending" ? text.files.stop : text.files.remove}
      </button>
    </li>
  );
}
