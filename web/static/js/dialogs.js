// Links that ask first. Without script they load the page with the dialog in it.
import { localInput, zoneOf } from "./time.js";

function open(dialog) {
  if (dialog.matches(":modal")) return;
  dialog.removeAttribute("open"); // the server may have rendered it open, but not modal
  dialog.showModal();
  dialog.dispatchEvent(new CustomEvent("asked", { bubbles: true }));
}

// The time is typed in the person's own zone; what it means travels beside it.
function watchTime(input) {
  if (input.dataset.watched) return;
  input.dataset.watched = "1";
  const hidden = input.form.elements[`${input.name}_moment`];
  const zone = input.closest(".field").querySelector("[data-zone]");
  const tell = () => {
    const at = input.value ? new Date(input.value) : new Date();
    zone.textContent = `(${zoneOf(at)})`;
    hidden.value = input.value ? at.toISOString() : "";
  };
  input.addEventListener("input", tell);
  if (!hidden.value) {
    tell();
    return;
  }
  // What is stored is shown in the person's zone, and is as it was until they change it.
  const at = new Date(hidden.value);
  input.defaultValue = localInput(at);
  input.value = input.defaultValue;
  zone.textContent = `(${zoneOf(at)})`;
}

/** dialogs readies every dialog under root; call it again for what was swapped in. */
export function dialogs(root = document) {
  for (const d of root.querySelectorAll("dialog[open]")) open(d);
  for (const input of root.querySelectorAll('input[type="datetime-local"]')) watchTime(input);
}

document.addEventListener("click", (e) => {
  const opener = e.target.closest("[data-dialog]");
  const dialog = opener && document.getElementById(opener.dataset.dialog);
  if (dialog) {
    e.preventDefault();
    if ("choose" in opener.dataset) dialog.querySelector(`input[value="${opener.dataset.choose}"]`).checked = true;
    open(dialog);
    dialog.querySelector("input:checked")?.focus();
    return;
  }
  const closer = e.target.closest("[data-close]");
  if (closer?.closest("dialog")) {
    e.preventDefault();
    closer.closest("dialog").close();
  }
});

// A second click on Send while the first is under way asks nothing new of the server.
document.addEventListener("submit", (e) => {
  if (e.defaultPrevented || e.target.id === "editor" || e.target.method === "get") return;
  if (e.target.dataset.under) {
    e.preventDefault();
    return;
  }
  e.target.dataset.under = "1";
});
window.addEventListener("pageshow", (e) => {
  if (e.persisted) for (const f of document.querySelectorAll("form[data-under]")) delete f.dataset.under;
});
