// Keeps the inbox page current: reads it again every two seconds, and changes only what is new.
"use strict";

const PAUSE_MS = 2000;
const pause = document.getElementById("pause");
let paused = false;

async function read(path, options) {
  const answer = await fetch(path, options);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  show(page);
  return page;
}

function show(fresh) {
  const focused = document.activeElement?.id;
  for (const part of document.querySelectorAll("[data-part]")) {
    const now = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
    if (now && now.innerHTML !== part.innerHTML) part.innerHTML = now.innerHTML;
  }
  for (const list of document.querySelectorAll("[data-list]")) {
    const now = fresh.querySelector(`[data-list="${list.dataset.list}"]`);
    if (now) merge(list, [...now.children]);
  }
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus();
}

// Messages never change: those that are shown stay as they are, with their focus, selection and scroll position.
function merge(list, wanted) {
  const ids = new Set(wanted.map((each) => each.id));
  for (const shown of [...list.children]) if (!ids.has(shown.id)) shown.remove();
  let next = list.firstElementChild;
  for (const each of wanted) {
    if (next && next.id === each.id) next = next.nextElementSibling;
    else list.insertBefore(each, next);
  }
}

async function keepCurrent() {
  if (!paused && !document.hidden) await read("/inbox", { cache: "no-cache" }).catch(() => {}); // the sandbox may be restarting
  setTimeout(keepCurrent, PAUSE_MS);
}

// A button posts its watch without leaving the page.
document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const page = await read(event.target.action, { method: "POST" });
  document.getElementById("problem").innerHTML = page.getElementById("problem").innerHTML;
});

pause.hidden = false;
pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? "Resume updates" : "Pause updates";
});
setTimeout(keepCurrent, PAUSE_MS);
