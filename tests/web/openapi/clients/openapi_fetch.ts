// Uses the API as openapi-typescript and openapi-fetch type it. Prints one line for each step.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

declare const process: { env: { RALLY_BRIDGE_URL: string; RALLY_BRIDGE_KEY: string } };

type Watch = components["schemas"]["WatchResponse"];

async function main(): Promise<void> {
  const client = createClient<paths>({
    baseUrl: process.env.RALLY_BRIDGE_URL,
    headers: { Authorization: `Bearer ${process.env.RALLY_BRIDGE_KEY}` },
  });

  const minimal = await client.POST("/v1/watches", { body: { importId: "minimal" } });
  if (minimal.error) throw new Error(minimal.error.title);
  const watch: Watch = minimal.data;
  console.log("created", watch.importId, watch.state, watch.lastPoll);

  const whole = await client.POST("/v1/watches", {
    body: {
      importId: "whole",
      label: "Q4 panel upload",
      metadata: { ticket: "RES-12" },
      notify: [
        { type: "callback", url: "https://crm.example.com/hooks", on: "problems" },
        { type: "slack", channel: "C0123ABCD", on: ["failed", "timed_out"] },
      ],
    },
    params: { header: { "Idempotency-Key": "openapi-fetch" } },
  });
  console.log("notify", whole.data?.notify.map((each) => each.on).join(" "));

  const shown = await client.GET("/v1/watches/{watch_id}", { params: { path: { watch_id: watch.id } } });
  console.log("shown", shown.data?.id === watch.id);

  const listed = await client.GET("/v1/watches", { params: { query: { state: "watching", limit: 1 } } });
  console.log("listed", listed.data?.data.length, typeof listed.data?.nextCursor);

  const refused = await client.POST("/v1/watches", { body: { importId: "" } });
  console.log("refused", refused.error?.code, refused.error?.errors?.[0]?.code);
}

void main();
