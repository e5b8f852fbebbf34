import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./global.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { configureClient } from "@/api/client";
import { loadSettings } from "@/api/settings";
import { App } from "./app";

async function start(): Promise<void> {
  if (import.meta.env.MODE === "mock") {
    const { startMockApi } = await import("@mock/browser");
    await startMockApi();
  }
  configureClient(await loadSettings());
  const root = document.getElementById("root");
  if (!root) throw new Error("index.html has no element with the id root");
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}

void start();
