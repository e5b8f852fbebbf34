import { readFileSync } from "node:fs";
import { fileURLToPath, URL } from "node:url";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const gate = process.env["GATE_URL"] ?? "http://127.0.0.1:8084";

/** Keeps the committed file that lets the Go package embed `dist` before a first build. */
function keepPlaceholder(): Plugin {
  return {
    name: "keep-placeholder",
    apply: "build",
    generateBundle() {
      this.emitFile({
        type: "asset",
        fileName: "placeholder",
        source:
          "Deck's built files come here: run make web. This file lets the binary build without Node.\n",
      });
    },
  };
}

/** The typeface is bundled, so its licence is, too. */
function typefaceLicense(): Plugin {
  return {
    name: "typeface-license",
    apply: "build",
    generateBundle() {
      this.emitFile({
        type: "asset",
        fileName: "inter-license.txt",
        source: readFileSync("node_modules/@fontsource-variable/inter/LICENSE"),
      });
    },
  };
}

export default defineConfig(({ mode }) => {
  const mock = mode === "mock";
  return {
    plugins: [react(), keepPlaceholder(), typefaceLicense()],
    // The worker file of the mock API must never be in the product's files.
    publicDir: mock ? "mock-api/public" : false,
    resolve: {
      alias: {
        "@": fileURLToPath(new URL("./src", import.meta.url)),
        "@mock": fileURLToPath(new URL("./mock-api", import.meta.url)),
      },
    },
    build: {
      outDir: mock ? ".cache/mock" : "dist",
      emptyOutDir: true,
      target: "es2022",
      // Inlined data: URLs would need a wider content security policy.
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 700,
      // What the bundles contain of others, with their licences.
      license: { fileName: "third-party-licenses.md" },
    },
    server: {
      port: 9009,
      host: "127.0.0.1",
      proxy: mock
        ? undefined
        : { "/gate": { target: gate, rewrite: (path) => path.replace(/^\/gate/, "") } },
    },
    preview: { port: 9009, host: "127.0.0.1" },
    test: {
      environment: "jsdom",
      setupFiles: ["./src/test-setup.ts"],
      include: ["src/**/*.test.{ts,tsx}", "mock-api/**/*.test.ts"],
      restoreMocks: true,
      unstubGlobals: true,
      css: false,
      // One environment for all files of a worker: loading the component library anew for each of
      // them would take longer than all tests.
      isolate: false,
      maxWorkers: 2,
      testTimeout: 20_000,
      env: { DEBUG_PRINT_LIMIT: "0" },
    },
  };
});
