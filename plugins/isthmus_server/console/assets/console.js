// What the console's pages do in a browser beyond forms and links; each of them works without it.
import htmx from "htmx.org";
import { editors } from "./editor.js";
import { rows } from "./rows.js";

// The content security policy lets nothing be evaluated and no style be written into a page.
htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false;
htmx.config.selfRequestsOnly = true;
htmx.config.historyCacheSize = 0;
// An answer that says what is wrong with a form is shown where its result would have been.
htmx.config.responseHandling = [
  { code: "204", swap: false },
  { code: "...", swap: true },
];

/** Asks before something is done that can't be undone: `data-confirm` of a form or of its button. */
document.addEventListener("submit", (event) => {
  const asked = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (asked && !window.confirm(asked)) event.preventDefault();
});

/** A select with `data-fills` puts what its chosen option stands for into another field. */
document.addEventListener("change", (event) => {
  const select = event.target.closest?.("select[data-fills]");
  const text = select?.selectedOptions[0]?.dataset.text;
  if (text === undefined) return;
  const field = document.getElementById(select.dataset.fills);
  field.value = text;
  field.dispatchEvent(new Event("isthmus:filled"));
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-copies]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).value);
  button.textContent = "Copied";
});

/** What was changed within `data-keeps` is not left without a question. */
let changed = false;
document.addEventListener("input", (event) => {
  changed ||= Boolean(event.target.closest?.("[data-keeps]"));
});
document.addEventListener("submit", () => { changed = false; });
window.addEventListener("beforeunload", (event) => {
  if (changed) event.preventDefault();
});

function begin() {
  document.documentElement.classList.add("scripted");
  editors(document);
  rows(document);
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
else begin();
