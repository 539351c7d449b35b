// What every page has: local times, dialogs, the account menu.
import { dialogs } from "./dialogs.js";
import { localise } from "./time.js";

localise();
dialogs();

// "?said=…" has been read; a reload should not say it again.
const here = new URL(location.href);
if (here.searchParams.has("said") || here.searchParams.has("ask")) {
  here.searchParams.delete("said");
  here.searchParams.delete("ask");
  history.replaceState(null, "", here);
}

document.querySelector("[data-focus]")?.focus();

const account = document.querySelector(".account");
document.addEventListener("click", (e) => {
  if (account?.open && !account.contains(e.target)) account.open = false;
});
document.addEventListener("keydown", (e) => {
  if (e.key === "Escape" && account?.open) {
    account.open = false;
    account.querySelector("summary").focus();
  }
});

// Whoever signs out leaves no words behind in a shared browser.
document.querySelector("[data-sign-out]")?.addEventListener("submit", () => {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith("fanfare:")) localStorage.removeItem(key);
  }
});

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    field.select();
    await navigator.clipboard.writeText(field.value);
    button.textContent = "Copied";
  });
}
