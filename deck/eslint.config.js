import js from "@eslint/js";
import { createTypeScriptImportResolver } from "eslint-import-resolver-typescript";
import importX from "eslint-plugin-import-x";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import globals from "globals";
import tseslint from "typescript-eslint";

/** What each layer may not import. Lower layers know nothing of the ones above. */
const layers = ["lib", "ui", "api", "components", "stages", "features", "app"];
const mayImport = {
  lib: [],
  ui: ["lib"],
  api: ["lib"],
  components: ["lib", "ui", "api"],
  stages: ["lib", "ui", "api", "components"],
  features: ["lib", "ui", "api", "components", "stages"],
};
const layerZones = Object.entries(mayImport).flatMap(([layer, allowed]) =>
  layers
    .filter((other) => other !== layer && !allowed.includes(other))
    .map((other) => ({
      target: `./src/${layer}`,
      from: `./src/${other}`,
      message: `src/${layer} may import ${allowed.length ? allowed.map((l) => `src/${l}`).join(", ") : "nothing"} only: move what you need down a layer.`,
    })),
);
const features = ["applications", "audit", "executions", "pipelines", "tasks", "tokens"];
const featureZones = features.map((feature) => ({
  target: `./src/features/${feature}`,
  from: "./src/features",
  except: [`./${feature}`],
  message: "A feature never imports another feature: move what both need to src/components.",
}));

export default tseslint.config(
  {
    ignores: [
      "dist",
      "node_modules",
      ".cache",
      "mock-api/public",
      "playwright-report",
      "test-results",
    ],
  },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  jsxA11y.flatConfigs.strict,
  {
    languageOptions: {
      globals: { ...globals.browser, ...globals.node },
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { "import-x": importX, "react-hooks": reactHooks },
    settings: {
      "import-x/resolver-next": [createTypeScriptImportResolver({ project: "tsconfig.json" })],
    },
    rules: {
      ...reactHooks.configs.recommended.rules,
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/no-misused-promises": [
        "error",
        { checksVoidReturn: { attributes: false } },
      ],
      "import-x/no-cycle": ["error", { maxDepth: 8 }],
      "import-x/no-restricted-paths": ["error", { zones: [...layerZones, ...featureZones] }],
      "no-console": "error",
      "no-restricted-syntax": [
        "error",
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: "Text from the API is data: render it as a child, React escapes it.",
        },
      ],
      eqeqeq: ["error", "always", { null: "ignore" }],
    },
  },
  {
    files: ["src/ui/**"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          paths: [
            {
              name: "react-router",
              message: "Primitives know no router: put this in src/components.",
            },
            {
              name: "@tanstack/react-query",
              message: "Primitives know no queries: put this in src/components.",
            },
          ],
        },
      ],
    },
  },
  { files: ["**/*.{js,cjs}"], ...tseslint.configs.disableTypeChecked },
);
