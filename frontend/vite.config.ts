import react from "@vitejs/plugin-react";
import { defineConfig, loadEnv } from "vite";

/** Where Vite's own server finds a registry: `make web-dev REGISTRY=http://host:port`. */
export default defineConfig(({ command, mode }) => {
  const registry = loadEnv(mode, ".", "REGISTRY").REGISTRY || "http://127.0.0.1:8000";
  const proxy = { target: registry, changeOrigin: true };
  return {
    // Built files name each other relatively, so that they work below any path.
    base: command === "build" ? "./" : "/ui/",
    plugins: [react(), { name: "lockgate-ui", apply: "serve", transformIndexHtml: placed }],
    server: { port: 5173, strictPort: true, proxy: { "/api": proxy, "/docs": proxy } },
    build: {
      target: "es2022",
      manifest: "manifest.json",
      // The strict Content-Security-Policy takes no data: URLs for scripts and styles.
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 400,
      reportCompressedSize: false,
    },
  };
});

/** Say where the UI lies, as the server does for the built page. */
function placed(html: string): string {
  return html.replace('name="lockgate-ui" content="./"', 'name="lockgate-ui" content="/ui/"');
}
