// Bundles Cornerstone for the page, with the licences of all that is in the bundle; writes to the folder given, else to the page's own.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] || dirname(here);
const INPUTS = ["build.mjs", "cornerstone.js", "mit.txt", "package-lock.json"];
// What Cornerstone's bundle names but a browser lacks; nothing that the page uses calls it.
const ABSENT = ["fs", "path", "xmlbuilder2"];
const FREE = ["MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "0BSD", "BSL-1.0", "Zlib"];

const absent = {
  name: "absent",
  setup(plugin) {
    plugin.onResolve({ filter: new RegExp(`^(${ABSENT.join("|")})$`) }, ({ path }) => ({
      path,
      namespace: "absent",
    }));
    plugin.onLoad({ filter: /.*/, namespace: "absent" }, () => ({ contents: "module.exports = {};" }));
  },
};

const digest = createHash("sha256");
for (const name of INPUTS) digest.update(readFileSync(join(here, name)));
const banner = `// Made by \`make page\` from app/page/bundle (SHA-256 ${digest.digest("hex")}); licences in cornerstone_licences.txt.`;

const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: ["cornerstone.js"],
  outfile: join(out, "cornerstone.js"),
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  banner: { js: banner },
  define: { "process.env.NODE_ENV": '"production"' },
  plugins: [absent],
  metafile: true,
  logLevel: "error",
});

const folders = new Set();
for (const input of Object.keys(metafile.inputs)) {
  const match = input.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//);
  if (match) folders.add(match[1]);
}
const parts = [...folders].sort().map((folder) => {
  const about = JSON.parse(readFileSync(join(here, folder, "package.json"), "utf8"));
  const licence = typeof about.license === "string" ? about.license : about.license?.type;
  const choices = (licence || "").replace(/[()]/g, "").split(" OR "); // any of them may be taken
  if (!choices.some((choice) => choice.split(" AND ").every((name) => FREE.includes(name))))
    throw new Error(`${about.name} has the licence ${licence}; leave it out of the bundle.`);
  const names = readdirSync(join(here, folder));
  const texts = names.filter((name) => /^(licen[cs]e|copying|notice)/i.test(name)).sort();
  const words = texts.map((name) => readFileSync(join(here, folder, name), "utf8").trim());
  // Some packages leave the text out: it is the standard one, for whom their description names.
  if (!texts.length)
    words.push(`Copyright (c) ${holders(about)}`, readFileSync(join(here, "mit.txt"), "utf8").trim());
  return [`${about.name} ${about.version} (${licence})`, ...words].join("\n\n");
});
writeFileSync(join(out, "cornerstone_licences.txt"), parts.join(`\n\n${"-".repeat(80)}\n\n`) + "\n");

function holders({ name, author, contributors = [] }) {
  const people = [author, ...contributors].filter(Boolean).map((one) => one.name || one);
  return people.length ? [...new Set(people)].join(", ") : `the contributors of ${name}`;
}
