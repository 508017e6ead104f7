import { describe, expect, it } from "vitest";

import { hasCode, requireSuccess, type TypedDocument, type UserError } from "../src";
import { CHUNK, client, isServed, newFile } from "./stand";

const ME: TypedDocument<{ me: { id: string } | null }, object> = "{ me { id } }";
const CREATE: TypedDocument<{ createFolder: { userErrors: UserError[] } }, { input: { name: string } }> =
  "mutation ($input: CreateFolderInput!) { createFolder(input: $input) { userErrors { code message field } } }";

describe.skipIf(!isServed)("a request", () => {
  it("returns the data", async () => {
    expect((await client().request(ME, {})).me?.id).toMatch(/^account_/);
  });

  it("fails with the code, and with the ID that the log of the server has", async () => {
    const asking = client().request("{ nothing }", {});
    await expect(asking).rejects.toMatchObject({ code: "GRAPHQL_INVALID", requestId: expect.any(String) as string });
  });

  it("tells all errors of a form", async () => {
    const { createFolder } = await client().request(CREATE, { input: { name: "a/b" } });
    expect(() => requireSuccess(createFolder)).toThrow(expect.objectContaining({ code: "INVALID_INPUT" }));
  });

  it("is sent again with another token", async () => {
    const asked: (string | undefined)[] = [];
    const valid = process.env["CLOUDKEEP_TOKEN"] ?? "";
    const token = (refused?: string) => {
      asked.push(refused);
      return refused ? valid : "not-a-token";
    };
    expect((await client({ auth: { token } }).request(ME, {})).me?.id).toMatch(/^account_/);
    expect(asked).toEqual([undefined, "not-a-token"]);
  });

  it("waits for a person who signs in again, and for one at a time", async () => {
    let token = "not-a-token";
    let count = 0;
    const onSignedOut = async () => {
      count++;
      await Promise.resolve();
      token = process.env["CLOUDKEEP_TOKEN"] ?? "";
    };
    const here = client({ auth: { token: () => token }, onSignedOut });
    const [first, second] = await Promise.all([here.request(ME, {}), here.request(ME, {})]);
    expect(first).toEqual(second);
    expect(count).toBe(1);
  });

  it("fails if nobody signs in", async () => {
    const error: unknown = await client({ auth: { token: () => "not-a-token" } })
      .request(ME, {})
      .catch((reason: unknown) => reason);
    expect(hasCode(error, "UNAUTHENTICATED")).toBe(true);
  });
});

describe.skipIf(!isServed)("a subscription", () => {
  it("gets its events until it is stopped", async () => {
    const page = new AbortController();
    const here = client();
    const document: TypedDocument<{ activity: { __typename: string } }, object> =
      "subscription { activity { __typename } }";
    const kinds: string[] = [];
    for await (const { activity } of here.subscribe(document, {}, { signal: page.signal })) {
      kinds.push(activity.__typename);
      if (activity.__typename === "Heartbeat") await here.upload(newFile(CHUNK)).done;
      if (activity.__typename === "UploadProgress") break;
    }
    expect(kinds[0]).toBe("Heartbeat");
    await here.close();
  });

  it("fails with the code", async () => {
    const here = client();
    const events = here.subscribe("subscription { nothing }", {});
    await expect(events[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "GRAPHQL_INVALID" });
    await here.close();
  });

  it("is opened again with another token when the server does not take the first one", async () => {
    const valid = process.env["CLOUDKEEP_TOKEN"] ?? "";
    const here = client({ auth: { token: (refused) => (refused ? valid : "not-a-token") } });
    const events = here.subscribe("subscription { activity { __typename } }", {});
    expect(await events[Symbol.asyncIterator]().next()).toMatchObject({ done: false });
    await here.close();
  });
});
