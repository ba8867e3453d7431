// Keeps the inbox page current: reads it again every two seconds, and changes only what is new.
"use strict";

const PAUSE_MS = 2000;
const ANSWERED_WITHIN_MS = 10000;
const PLACE = "/inbox" + location.search;
const pause = document.getElementById("pause");
let paused = false;
let shownView = document.getElementById("modal")?.dataset.view;
let opener = null;
let awaitedUntil = 0;

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
  showModal(fresh);
  for (const list of document.querySelectorAll("[data-list]")) {
    const now = fresh.querySelector(`[data-list="${list.dataset.list}"]`);
    if (now) merge(list, [...now.children]);
  }
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

// While a modal is open, the page behind it is inert. One that has just opened gets the focus.
function showModal(fresh) {
  for (const part of document.querySelectorAll("[data-behind]")) part.inert = fresh.getElementById("modal") !== null;
  const view = document.getElementById("modal")?.dataset.view;
  if (view && view !== shownView) focusModal();
  else if (!view && shownView) opener?.focus();
  shownView = view;
}

function focusModal() {
  const modal = document.getElementById("modal");
  (modal.querySelector(".field input, .field select, .field textarea") ?? modal.querySelector("h2")).focus();
}

// A message that has not changed stays as it is, with its focus, selection and scroll position.
function merge(list, wanted) {
  const ids = new Set(wanted.map((each) => each.id));
  for (const shown of [...list.children]) if (!ids.has(shown.id)) shown.remove();
  let next = list.firstElementChild;
  for (const each of wanted) {
    if (next && next.id === each.id) {
      if (next.innerHTML !== each.innerHTML) next.innerHTML = each.innerHTML;
      next = next.nextElementSibling;
    } else {
      list.insertBefore(each, next);
      showAnswer(each);
    }
  }
}

// The answer to what was just done is scrolled into view: it is above the button that was pressed.
function showAnswer(article) {
  if (Date.now() > awaitedUntil || !article.classList.contains("ephemeral")) return;
  article.scrollIntoView({ block: "nearest" });
}

async function keepCurrent() {
  if (!paused && !document.hidden) await read(PLACE, { cache: "no-cache" }).catch(() => {}); // the sandbox may be restarting
  setTimeout(keepCurrent, PAUSE_MS);
}

// A form is sent without leaving the page.
document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { target: form, submitter } = event;
  if (!shownView) opener = submitter;
  awaitedUntil = Date.now() + ANSWERED_WITHIN_MS;
  const body = new URLSearchParams(new FormData(form, submitter));
  const own = submitter?.hasAttribute("formaction");
  const path = own ? submitter.getAttribute("formaction") : form.getAttribute("action"); // a field may be named "action"
  const page = await read(path, { method: "POST", body });
  document.getElementById("problem").innerHTML = page.getElementById("problem")?.innerHTML ?? "";
  if ("empties" in form.dataset && !own) form.elements.text.value = "";
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelector('#modal [value="close"]')?.click();
});

if (shownView) focusModal();
pause.hidden = false;
pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? "Resume updates" : "Pause updates";
});
setTimeout(keepCurrent, PAUSE_MS);
