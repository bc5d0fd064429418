// What eslint checks of the page's scripts: its recommended rules, and names that nobody uses or has defined.
import { createRequire } from "node:module";

// Unlike `import`, `require` looks where NODE_PATH says, which need not be inside the project.
const require = createRequire(import.meta.url);
const js = require("@eslint/js");
const globals = require("globals");

export default [
  { ignores: ["app/page/cornerstone.js", "app/page/bundle/node_modules/**"] },
  js.configs.recommended,
  {
    files: ["**/*.js"],
    languageOptions: { ecmaVersion: 2023, sourceType: "module", globals: globals.browser },
    rules: { eqeqeq: "error", "no-var": "error", "prefer-const": "error" },
  },
  {
    files: ["**/bundle/*.mjs"],
    languageOptions: { ecmaVersion: 2023, sourceType: "module", globals: globals.nodeBuiltin },
  },
];
