// Uses the API through the client that @hey-api/openapi-ts generates. Prints one line for each step.
import { cancelWatch, createWatch, followWatch, getWatch, listWatches } from "./generated";
import { client } from "./generated/client.gen";

declare const process: { env: { RALLY_BRIDGE_URL: string; RALLY_BRIDGE_KEY: string } };

async function main(): Promise<void> {
  client.setConfig({ baseUrl: process.env.RALLY_BRIDGE_URL, auth: () => process.env.RALLY_BRIDGE_KEY });

  const minimal = await createWatch({ body: { importId: "minimal" } });
  if (!minimal.data) throw new Error(minimal.error.title);
  const watch = minimal.data;
  console.log("created", watch.importId, watch.state, watch.lastPoll);

  const whole = await createWatch({
    body: { importId: "whole", notify: [{ type: "callback", url: "https://crm.example.com/hooks", on: "problems" }] },
    headers: { "Idempotency-Key": "hey-api" },
  });
  console.log("notify", whole.data?.notify.map((each) => each.on).join(" "));

  const shown = await getWatch({ path: { watch_id: watch.id } });
  console.log("shown", shown.data?.id === watch.id);

  const listed = await listWatches({ query: { state: "watching", limit: 1 } });
  console.log("listed", listed.data?.data.length, typeof listed.data?.nextCursor);

  const refused = await createWatch({ body: { importId: "" } });
  console.log("refused", refused.error?.code, refused.error?.errors?.[0]?.code);

  await cancelWatch({ path: { watch_id: watch.id } });
  const { stream } = await followWatch({ path: { watch_id: watch.id } });
  for await (const data of stream) {
    if ("createdAt" in data) console.log("event", data.state);
  }
}

void main();
