/** Writes the types of all operations, and their texts as strings: the page needs no parser for GraphQL. */
import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "../schema/schema.graphql",
  documents: ["src/api/operations/*.graphql"],
  ignoreNoDocuments: true,
  generates: {
    "./src/api/generated/": {
      preset: "client",
      presetConfig: { fragmentMasking: false, persistedDocuments: { hashAlgorithm: "sha256" } },
      config: {
        documentMode: "string",
        useTypeImports: true,
        enumsAsTypes: true,
        strictScalars: true,
        scalars: { ByteSize: "number", DateTime: "string", JSON: "unknown", ID: "string" },
      },
    },
  },
};

export default config;
