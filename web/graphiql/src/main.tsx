/** Starts the page. */
import "graphiql/setup-workers/vite";
// Without the fonts that graphiql/style.css has: the system's do.
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "graphiql/graphiql.css";
import "./style.css";
import { createRoot } from "react-dom/client";
import { App } from "./App";

const page = document.getElementById("page");
if (page) createRoot(page).render(<App />);
