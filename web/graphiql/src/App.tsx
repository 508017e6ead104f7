/** GraphiQL with what this page adds to it. */
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { useGraphiQL } from "@graphiql/react";
import rules from "virtual:prices";
import { createFetcher, SCHEMA_QUERY } from "./api/fetcher";
import { lastRun } from "./api/runs";
import { hearCost } from "./cost/budget";
import { CostLine } from "./cost/CostLine";
import { COST_PLUGIN } from "./cost/CostPanel";
import { usePrice } from "./cost/usePrice";
import { withPrices } from "./docs/descriptions";
import { ChooseFile } from "./files/ChooseFile";
import { FileList } from "./files/FileList";
import { hearUpload } from "./files/outbox";
import { useDrop } from "./files/useDrop";
import { MAX_FILES, usePlaceFiles } from "./files/usePlaceFiles";
import { memory } from "./memory";
import { text } from "./text";
import { hearIds } from "./tour/ids";
import { TABS } from "./tour/tabs";
import { useFillIn } from "./tour/useFillIn";
import { useEditorOptions } from "./useEditorOptions";
import { useSystemTheme } from "./useSystemTheme";

const PLUGINS = [HISTORY_PLUGIN, COST_PLUGIN];
const STORAGE = memory();

const fetcher = createFetcher({
  describe: (schema) => withPrices(schema, rules),
  heard(answer, run) {
    hearCost(answer);
    if (!run) return;
    hearIds(answer);
    hearUpload(run, answer);
    lastRun.set({ run, answer });
  },
});

export function App() {
  return (
    <GraphiQL
      fetcher={fetcher}
      introspectionQueryName={SCHEMA_QUERY}
      inputValueDeprecation
      schemaDescription
      defaultTabs={TABS}
      // Of the first tab GraphiQL shows only the query by itself.
      initialVariables={TABS[0]?.variables ?? ""}
      defaultEditorToolsVisibility="variables"
      plugins={PLUGINS}
      storage={STORAGE}
      shouldPersistHeaders={false}
    >
      <GraphiQL.Logo>
        <h1>
          <a href="/">{text.home}</a>
        </h1>
      </GraphiQL.Logo>
      <GraphiQL.Toolbar>
        {({ prettify, copy, merge }) => (
          <>
            {prettify}
            {merge}
            {copy}
            <ChooseFile />
          </>
        )}
      </GraphiQL.Toolbar>
      <GraphiQL.Footer>
        <FileList />
        <CostLine />
      </GraphiQL.Footer>
      <Behind />
    </GraphiQL>
  );
}

/** What watches the editors, and shows something only while files are dragged over the page. */
function Behind() {
  usePrice(useGraphiQL((state) => state.visiblePlugin) === COST_PLUGIN);
  useFillIn();
  useSystemTheme();
  useEditorOptions();
  const isOver = useDrop(usePlaceFiles());
  return isOver && <p className="drop">{text.files.drop(MAX_FILES)}</p>;
}
