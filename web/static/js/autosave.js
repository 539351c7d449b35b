// Nothing typed is lost: saved on the server soon, kept in this browser until it is.
import { Offline, ask, later } from "./net.js";
import { clock, localise } from "./time.js";

const soon = 1200; // ms of quiet before a save
// What is in the form and not of the announcement.
const aside = new Set(["audience_search", "ring_search", "saved_audience", "saved_name"]);
const patience = [3000, 6000, 12000, 30000]; // ms between tries while the server is away

/**
 * autosave keeps the form; told is called with the server's problems when it refuses, born when the
 * announcement has got its ID, which its card carries.
 */
export function autosave(form, told, born) {
  const me = document.body.dataset.me;
  const line = document.getElementById("save-state");
  const textOf = (f) => new URLSearchParams([...new FormData(f)].filter(([k]) => !aside.has(k) && k !== "revision" && k !== "id")).toString();
  const text = () => textOf(form);
  const key = () => `fanfare:${me}:${form.elements.id.value || "new"}`;
  // What the server has is what it rendered, not what was typed (or restored by the browser) before
  // this script came.
  const rendered = form.cloneNode(true);
  rendered.reset();
  let kept = textOf(rendered);
  let running = null, tries = 0, timer, halted = false, leaving = false;

  const say = (words, kind = "") => {
    line.textContent = words;
    line.dataset.kind = kind;
  };
  const dirty = () => text() !== kept;
  const mayAlone = () => form.dataset.state === "draft" || form.dataset.state === "rejected";
  const worth = () => form.elements.id.value || form.elements.title.value.trim() || form.elements.body.value.trim();

  function copy() {
    try {
      if (dirty() && worth()) localStorage.setItem(key(), JSON.stringify({ at: Date.now(), text: text() }));
      else localStorage.removeItem(key());
    } catch {
      // a full or forbidden store: saving on the server goes on
    }
  }

  function accept(data, sent) {
    if (!form.elements.id.value) {
      localStorage.removeItem(key());
      form.elements.id.value = data.id;
      form.action = `/broadcasts/${data.id}/edit`;
      history.replaceState(null, "", form.action);
      born();
    }
    form.elements.revision.value = data.revision;
    form.dataset.state = data.state;
    kept = sent;
    tries = 0;
    copy();
    // What was typed while the save was under way is not on the server yet.
    say(dirty() ? "Not saved yet" : `Saved ${clock(new Date(data.saved_at))}`);
  }

  function refuse(status, data) {
    if (status === 409 && data?.panel) {
      halted = true;
      const place = document.getElementById("conflict-place");
      place.innerHTML = data.panel; // rendered and escaped by the server
      localise(place);
      place.firstElementChild.focus();
      say("Not saved: somebody else saved first.", "bad");
      return;
    }
    told(data?.problems ?? []);
    say(`Not saved. ${data?.error ?? ""}`, "bad");
    if (status === 401) retry(`${data?.error ?? "Your session has ended."}`);
  }

  function retry(words) {
    say(words, "bad");
    clearTimeout(timer);
    timer = setTimeout(save, patience[Math.min(tries++, patience.length - 1)]);
  }

  async function once() {
    const sent = text();
    const id = form.elements.id.value;
    try {
      const { status, data } = await ask(id ? `/broadcasts/${id}` : "/broadcasts", { method: id ? "PUT" : "POST", form });
      if (status === 200) accept(data, sent);
      else refuse(status, data);
    } catch (e) {
      if (!(e instanceof Offline)) throw e;
      retry("Connection lost. Your words are kept in this browser; trying again…");
    }
  }

  async function save() {
    if (running || halted || leaving || !dirty() || !worth() || !mayAlone()) return;
    say("Saving…");
    running = once();
    await running;
    running = null;
    if (dirty() && tries === 0 && line.dataset.kind !== "bad") quiet();
  }
  const quiet = later(save, soon);
  const copySoon = later(copy, 300);

  function changed() {
    copySoon();
    if (!mayAlone()) {
      say(dirty() ? "Not saved yet. Saving makes it a draft again." : "");
      return;
    }
    if (!halted && line.dataset.kind !== "bad") say(dirty() ? "Not saved yet" : line.textContent);
    quiet();
  }

  // A button waits for the save under way, so that the two do not overtake each other.
  form.addEventListener("submit", async (e) => {
    const by = e.submitter;
    copy();
    if (running) {
      e.preventDefault();
      await running;
      form.requestSubmit(by);
      return;
    }
    leaving = true;
  });
  addEventListener("pageshow", () => { leaving = false; });
  addEventListener("beforeunload", (e) => {
    copy();
    if (!leaving && dirty() && worth()) e.preventDefault();
  });
  addEventListener("online", () => { tries = 0; save(); });
  addEventListener("focus", () => { if (tries) { tries = 0; save(); } });

  document.getElementById("conflict-place").addEventListener("click", (e) => {
    if (e.target.closest("[data-take-theirs]")) {
      localStorage.removeItem(key());
      leaving = true;
    }
    const mine = e.target.closest("[data-keep-mine]");
    if (!mine) return;
    e.preventDefault();
    form.elements.revision.value = mine.value;
    document.getElementById("conflict-place").replaceChildren();
    halted = false;
    kept = "";
    save();
    form.elements.body.focus();
  });
  if (document.querySelector("[data-conflict]")) halted = true;

  /** left is what an earlier visit could not save, or null. */
  function left() {
    try {
      const found = JSON.parse(localStorage.getItem(key()));
      if (!found || found.text === text()) {
        localStorage.removeItem(key());
        return null;
      }
      return found;
    } catch {
      return null;
    }
  }
  return { changed, dirty, left, forget: () => localStorage.removeItem(key()) };
}
