// What the window says back: toasts, and questions before something is lost or left.
import { h, icon, botAvatar } from "./dom.js";

const shownFor = 6_000;
const atOnce = 3;

/** toast shows a sentence for some seconds; kind is "bot" (its answer), "done" or "error". */
export function toast(text, kind = "done") {
  const area = document.getElementById("toasts");
  // The same sentence twice (the answer of a click and its event) is shown once, and what was done
  // before is old news now.
  for (const old of [...area.children]) {
    if (old.dataset.text === text || (kind === "done" && old.classList.contains("done"))) old.remove();
  }
  while (area.children.length >= atOnce) area.firstElementChild.remove();
  const close = h("button", { type: "button", class: "icon-button", "aria-label": "Dismiss" }, icon("clear"));
  const box = h("div", { class: `toast ${kind}` }, kind === "bot" ? botAvatar() : null, h("p", {}, text), close);
  box.dataset.text = text;
  if (kind === "error") box.setAttribute("role", "alert");
  area.append(box);
  let timer = 0;
  const leave = () => box.remove();
  const wait = () => (timer = setTimeout(leave, shownFor));
  close.addEventListener("click", leave);
  for (const stay of ["pointerenter", "focusin"]) box.addEventListener(stay, () => clearTimeout(timer));
  for (const go of ["pointerleave", "focusout"]) box.addEventListener(go, wait);
  wait();
}

/** announce tells screen readers something without showing it twice to others. */
export function announce(text) {
  document.getElementById("announcer").replaceChildren(text);
}

// One dialog at a time; it gives the focus back and leaves the page when it is closed.
function ask(title, content, ...buttons) {
  const dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": "dialog-title" },
    h("h2", { id: "dialog-title" }, title),
    ...content,
    h("div", { class: "dialog-buttons" }, ...buttons),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** confirmDanger resolves to true only if the person says so. */
export function confirmDanger(title, text, verb) {
  return new Promise((resolve) => {
    const yes = h("button", { type: "button", class: "button danger" }, verb);
    const no = h("button", { type: "button", class: "button", autofocus: true }, "Keep it");
    const dialog = ask(title, [h("p", {}, text)], no, yes);
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"));
    yes.addEventListener("click", () => dialog.close("yes"));
    no.addEventListener("click", () => dialog.close("no"));
  });
}

/** openLink shows where a button leads before it is followed, as a card may come from anywhere. */
export function openLink(address) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return toast(`This button has no usable address: “${address}”.`, "error");
  }
  if (!["https:", "http:", "mailto:", "tel:"].includes(url.protocol)) {
    return toast(`Teams does not open ${url.protocol} addresses.`, "error");
  }
  const link = h("a", { class: "button primary", href: url.href, target: "_blank", rel: "noopener noreferrer", autofocus: true }, "Open in a new tab");
  const no = h("button", { type: "button", class: "button" }, "Stay here");
  const dialog = ask("Open this address?", [h("p", { class: "address" }, url.href)], no, link);
  link.addEventListener("click", () => dialog.close());
  no.addEventListener("click", () => dialog.close());
}
