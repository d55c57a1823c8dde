/** The modules can be joined into one, as the server does for `/embed.js` (tests/web/test_files.py: that is small). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const STATIC = fileURLToPath(new URL("../../static", import.meta.url));
const IMPORT = /^import \{ [\w, ]+ \} from "(\.[^"]+)";\n/gm;
const DOC_COMMENT = /^[ \t]*\/\*\*[\s\S]*?\*\/[ \t]*\n/gm;

/**
 * Every module once, each after what it imports, without `import` lines, the word `export`, and doc comments on lines of
 * their own (a third of the bytes).
 * @param {string} path @param {Set<string>} [done] @returns {string[]}
 */
function join(path, done = new Set()) {
  if (done.has(path)) return [];
  done.add(path);
  const source = readFileSync(path, "utf-8");
  const before = [...source.matchAll(IMPORT)].flatMap(([, name]) => join(resolve(dirname(path), name), done));
  return [...before, source.replace(DOC_COMMENT, "").replace(IMPORT, "").replace(/^export (?=(async )?(const|let|function|class) )/gm, "")];
}

const modules = join(resolve(STATIC, "elements.js"));
const joined = modules.join("\n");

test("joined, no import or export is left", () => {
  assert.ok(modules.length > 15);
  assert.doesNotMatch(joined, /^(import|export)\b/m);
});

test("joined, no two modules declare the same name, and it parses as a module", () => {
  const names = [...joined.matchAll(/^(?:async )?(?:const|let|function|class) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(names.filter((name, i) => names.indexOf(name) !== i), []);
  new Function(joined.replaceAll("import.meta.url", '""')); // throws a SyntaxError
});

test("nothing makes markup or code of text", () => {
  assert.doesNotMatch(joined, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|srcdoc/);
});
