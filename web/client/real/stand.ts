/** A real server, which tests/web/ starts, and a person who is signed in to it. */
import { createHash, randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";

import { createClient, type Client, type ClientOptions, type TypedDocument } from "../src";

const { CLOUDKEEP_URL = "", CLOUDKEEP_TOKEN = "", CLOUDKEEP_CONTROL = "" } = process.env;

/** Whether there is a server. */
export const isServed = Boolean(CLOUDKEEP_URL);
export const CHUNK = 64 * 1024;
const MIB = 1024 * 1024;

/** Have the test that started the server do something with it. */
export async function control(action: "restart" | "expire", text = ""): Promise<string> {
  const response = await fetch(`${CLOUDKEEP_CONTROL}/${action}`, { method: "POST", body: text });
  if (!response.ok) throw new Error(await response.text());
  return response.text();
}

export function client(options: Partial<ClientOptions> = {}): Client {
  return createClient({ url: CLOUDKEEP_URL, auth: { token: () => CLOUDKEEP_TOKEN }, ...options });
}

/** A file that never existed before. */
export function newFile(size = 8 * CHUNK, name = "noise.bin"): File {
  return new File([randomBytes(size)], name, { lastModified: Math.floor(Math.random() * 1e12) });
}

export const sized = (mebibytes: number) => newFile(mebibytes * MIB);

type Intercept = (request: PutRequest, send: () => Promise<Response>) => Promise<Response>;

/** A PUT of a chunk, before it is sent. */
export interface PutRequest {
  /** How many chunks were sent before. */
  count: number;
  url: string;
  init: RequestInit;
}

/** `fetch`, with something between it and the server for every PUT of a chunk. */
export function withPuts(intercept: Intercept): typeof fetch {
  let count = 0;
  return (input, init = {}) => {
    if (init.method !== "PUT" || typeof input !== "string") return fetch(input, init);
    const request = { count: count++, url: input, init };
    return intercept(request, () => fetch(request.url, request.init));
  };
}

/** Counts the chunks that are sent. */
export function counting(): { fetch: typeof fetch; count: () => number } {
  let count = 0;
  return { fetch: withPuts((_, send) => (count++, send())), count: () => count };
}

const STORED: TypedDocument<{ node: { sha256: string; size: number; name: string } | null }, { id: string }> =
  "query ($id: ID!) { node(id: $id) { ... on File { sha256 size name } } }";

/** What the server has stored as this file. */
export async function stored(id: string | null): Promise<string | undefined> {
  const { node } = await client().request(STORED, { id: id ?? "" });
  return node?.sha256;
}

export async function sha256(file: Blob): Promise<string> {
  return createHash("sha256")
    .update(new Uint8Array(await file.arrayBuffer()))
    .digest("hex");
}

/** A connection that has begun to send a chunk, and holds its slot until it is destroyed. */
export async function holdSlot(url: string): Promise<Socket> {
  const size = Number(new URL(url).searchParams.get("size"));
  // Zeros do not have this digest, so that they change nothing if the server reads them first.
  const headers = { "Content-Digest": `sha-256=:${Buffer.alloc(32).toString("base64")}:` };
  for (;;) {
    const socket = sendHalf(url, size);
    const { status } = await fetch(url, { method: "PUT", body: new Uint8Array(size), headers });
    if (status === 409) return socket;
    socket.destroy();
  }
}

function sendHalf(url: string, size: number): Socket {
  const { hostname, port, pathname, search } = new URL(url);
  const head = [`PUT ${pathname}${search} HTTP/1.1`, `Host: ${hostname}:${port}`, `Content-Length: ${size}`, "", ""];
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  socket.write(head.join("\r\n"));
  socket.write(new Uint8Array(size / 2));
  return socket;
}
