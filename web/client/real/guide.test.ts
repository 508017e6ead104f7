import { describe, expect, it } from "vitest";

import type { Client, Progress } from "../src";
import { isServed, newFile, sha256, stored } from "./stand";

/** The code of docs/clients.md, which the test that starts the server writes here. */
interface Guide {
  connect: (url: string, token: () => Promise<string>) => Client;
  newFolder: (cloudkeep: Client, name: string) => Promise<{ id: string } | null>;
  send: (cloudkeep: Client, file: File, parentId: string, show: (progress: Progress) => void) => Promise<string | null>;
  follow: (cloudkeep: Client, changed: () => void, signal: AbortSignal) => Promise<void>;
}

const { CLOUDKEEP_URL = "", CLOUDKEEP_TOKEN = "" } = process.env;

describe.skipIf(!isServed)("the guide", () => {
  it("makes a folder, sends a file, and hears of it", async () => {
    const path = "./guide";
    const guide = (await import(`${path}.ts`)) as Guide;
    const cloudkeep = guide.connect(CLOUDKEEP_URL, () => Promise.resolve(CLOUDKEEP_TOKEN));
    const page = new AbortController();
    const heard = new Promise<void>((resolve) => {
      guide.follow(cloudkeep, resolve, page.signal).catch(() => {});
    });
    const folder = await guide.newFolder(cloudkeep, "photos");
    const file = newFile();
    const stages: string[] = [];
    const id = await guide.send(cloudkeep, file, folder?.id ?? "", ({ stage }) => stages.push(stage));
    expect(await stored(id)).toBe(await sha256(file));
    expect(stages.at(-1)).toBe("READY");
    await heard;
    page.abort();
    await cloudkeep.close();
    await expect(guide.newFolder(cloudkeep, "photos")).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
  });
});
