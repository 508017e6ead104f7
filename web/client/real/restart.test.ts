import { describe, expect, it } from "vitest";

import { CHUNK, client, control, isServed, newFile, sha256, stored, withPuts } from "./stand";

describe.skipIf(!isServed)("a server that is restarted", () => {
  it("gets the rest of an upload, and the last events of its progress", async () => {
    const file = newFile(16 * CHUNK);
    let restarting: Promise<string> | undefined;
    const fetch = withPuts((request, send) => {
      if (request.count === 4) restarting = control("restart");
      return send();
    });
    const { fileId } = await client({ fetch }).upload(file, { chunkSize: CHUNK }).done;
    await restarting;
    expect(await stored(fileId)).toBe(await sha256(file));
  });

  it("gets a subscription again", async () => {
    const connections: string[] = [];
    const page = new AbortController();
    const here = client({ onConnection: (connection) => connections.push(connection) });
    const events = here.subscribe<{ activity: { __typename: string } }, object>(
      "subscription { activity { __typename } }",
      {},
      { signal: page.signal },
    );
    for await (const { activity } of events) {
      expect(activity.__typename).toBe("Heartbeat");
      if (connections.length > 1) break;
      await control("restart");
    }
    expect(connections).toContain("waiting");
    expect(connections.at(-1)).toBe("connected");
    await here.close();
  });
});
