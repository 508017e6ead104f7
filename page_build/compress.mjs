// Writes NAME.br and NAME.gz beside every text file of a folder, where that is smaller: node compress.mjs FOLDER
import { readdir, readFile, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { argv } from "node:process";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const TEXT = new Set([".html", ".js", ".css", ".svg", ".json", ".webmanifest", ".ttf", ".wasm"]);
/** Smaller files fit into one packet as they are. */
const MINIMUM = 1024;
const ENCODINGS = {
  ".br": (bytes) =>
    promisify(brotliCompress)(bytes, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      },
    }),
  ".gz": (bytes) => promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION }),
};

const compress = async (path) => {
  const bytes = await readFile(path);
  if (bytes.length < MINIMUM) return;
  for (const [suffix, encode] of Object.entries(ENCODINGS)) {
    const encoded = await encode(bytes);
    if (encoded.length < bytes.length) await writeFile(path + suffix, encoded);
  }
};

const entries = await readdir(argv[2], { recursive: true, withFileTypes: true });
const texts = entries.filter((entry) => entry.isFile() && TEXT.has(extname(entry.name)));
await Promise.all(texts.map((entry) => compress(join(entry.parentPath, entry.name))));
