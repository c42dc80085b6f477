import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./theme.css";

import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { asProblem, Problem } from "./api/problem";
import { recall } from "./api/session";
import { NONCE } from "./place";
import { makeRouter } from "./router";
import { beUnknown } from "./session";
import { Gatehouse } from "./shell/Gatehouse";
import { tellProblem } from "./shell/toasts";
import { theme, variables } from "./theme";

if (NONCE) setNonce(NONCE);

const client: QueryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What the server refuses it refuses again; only silence is asked twice.
      retry: (failures, error) => failures < 2 && (!(error instanceof Problem) || error.status === 0 || error.status === 503),
    },
  },
  queryCache: new QueryCache({
    onError: (error) => {
      if (error instanceof Problem && error.status === 401) beUnknown();
    },
  }),
  mutationCache: new MutationCache({
    // A dialog that shows the refusal itself says so: `meta: { shown: true }`.
    onError: (error, _variables, _context, mutation) => {
      if (!mutation.meta?.shown) tellProblem(asProblem(error));
    },
    // Whatever was written, what is shown may have changed by it.
    onSettled: () => client.invalidateQueries(),
  }),
});

// A server that was upgraded has other parts than this page names: begin anew, but not for ever.
window.addEventListener("vite:preloadError", (event) => {
  const last = Number(sessionStorage.getItem("lockgate.reloaded") ?? 0);
  if (Date.now() - last < 10_000) return;
  sessionStorage.setItem("lockgate.reloaded", String(Date.now()));
  event.preventDefault();
  window.location.reload();
});

const router = makeRouter(client);
void recall();
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" getStyleNonce={() => NONCE ?? ""}>
      <QueryClientProvider client={client}>
        <Notifications position="bottom-right" />
        <Gatehouse>
          <RouterProvider router={router} />
        </Gatehouse>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
