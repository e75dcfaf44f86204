// Unpacks what the npm package holds: node unpack.mjs <its folder> <folder to write to>
import { createReadStream, createWriteStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";

const [from, to] = process.argv.slice(2);
for (const name of ["chromium", "al2023.tar", "fonts.tar"]) {
  const packed = createReadStream(join(from, "bin", `${name}.br`));
  await pipeline(packed, createBrotliDecompress(), createWriteStream(join(to, name)));
}
