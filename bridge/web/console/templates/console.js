// Keeps a page current: reads it again when the bridge says that something has changed, and replaces what is new.
"use strict";

const pause = document.getElementById("pause");
const watch = location.pathname.match(/^\/console\/watches\/(wat_\w+)$/);
let events = null;
let paused = false;

// What somebody uses stays as it is: what has the focus, a selection, or a table that was opened.
function isInUse(part) {
  const selection = document.getSelection();
  const isSelected = selection && !selection.isCollapsed && part.contains(selection.anchorNode);
  return isSelected || part.contains(document.activeElement) || part.querySelector("details[open]") !== null;
}

function show(fresh) {
  for (const part of document.querySelectorAll("[data-part]")) {
    const now = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
    if (now && now.innerHTML !== part.innerHTML && !isInUse(part)) part.innerHTML = now.innerHTML;
  }
}

async function refresh() {
  const answer = await fetch(location.href, { cache: "no-store" });
  if (answer.redirected) location.reload(); // to the form for signing in
  else if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
}

function listen() {
  const wanted = !paused && !document.hidden;
  if (wanted && events === null) {
    events = new EventSource("/console/events" + (watch ? `?watch=${watch[1]}` : ""));
    events.addEventListener("changed", () => refresh().catch(() => {})); // the bridge may be restarting
    events.addEventListener("error", stopIfRefused);
  } else if (!wanted && events !== null) {
    events.close();
    events = null;
  }
}

// The browser opens an ended stream again by itself, but not one that was refused: the session may be over.
function stopIfRefused() {
  if (events === null || events.readyState !== EventSource.CLOSED) return;
  events = null;
  refresh().catch(() => {});
  setTimeout(listen, 10000);
}

if (document.querySelector("[data-part]")) {
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Resume updates" : "Pause updates";
    listen();
  });
  document.addEventListener("visibilitychange", listen);
  window.addEventListener("pagehide", () => events?.close());
  listen();
}
