import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  base: "/",
  resolve: {
    alias: [
      // vtk.js reaches xmlbuilder2 for file formats we never read, and that needs Node's `events`.
      { find: "xmlbuilder2", replacement: here("./src/viewer/no-xmlbuilder.ts") },
      // Cornerstone3D draws with WebGL only; vtk.js brings its WebGPU half along unasked.
      { find: /^\.\.\/WebGPU\/Profiles\/\w+\.js$/, replacement: here("./src/viewer/no-webgpu.ts") },
    ],
  },
  // The decoder's worker is a module; pre-bundling would cut it off from its wasm files.
  optimizeDeps: { exclude: ["@cornerstonejs/dicom-image-loader"] },
  worker: { format: "es" },
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    manifest: true,
    // The content security policy allows no data: scripts and no inline wasm.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 4096,
    rolldownOptions: { input: here("./src/main.ts") },
  },
  test: { environment: "happy-dom", include: ["tests/**/*.test.ts"] },
});
