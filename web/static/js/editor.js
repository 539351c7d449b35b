// The editor: live preview, head-count, autosave. Everything also works by plain buttons.
import { autosave } from "./autosave.js";
import { cards } from "./card.js";
import { parts, ring } from "./choose.js";
import { ask, later } from "./net.js";
import { rows } from "./rows.js";
import { shelf } from "./shelf.js";
import { clock, localise } from "./time.js";
import { toolbar } from "./toolbar.js";
import { variants } from "./variants.js";

const form = document.getElementById("editor");
const teams = document.querySelector("[data-teams]");
const card = cards(teams);

toolbar(document.querySelector('.tools[aria-controls="body"]'), form.elements.body);

// --- what is wrong, next to its field
function mark(name, message) {
  const el = document.querySelector(`[data-problem="${name}"]`);
  if (!el) return;
  el.textContent = message;
  const field = document.getElementById(name);
  if (!field?.matches("input, textarea")) return;
  if (message) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}
const problems = (list) => list.forEach((p) => mark(p.field, p.message));
const clear = (name) => name && mark(name, ""); // somebody is mending it

// --- counters
function count(field) {
  const most = Number(field.dataset.count);
  const out = field.closest(".field").querySelector("[data-counter]");
  const n = [...field.value].length;
  out.textContent = `${n.toLocaleString("en")} / ${most.toLocaleString("en")}`;
  out.classList.toggle("over", n > most);
}
const counted = () => form.querySelectorAll("[data-count]");
counted().forEach(count);

// --- preview
const meter = document.getElementById("size");
const kb = (n) => `${(n / 1000).toFixed(1)} kB`;
let asking;
async function look() {
  asking?.abort();
  asking = new AbortController();
  try {
    const { status, data } = await ask("/preview", { method: "POST", form, signal: asking.signal });
    if (status !== 200) return;
    document.getElementById("card-problem").textContent = data.problem ?? "";
    const short = document.getElementById("plan-short");
    if (short) { // a welcome message has no plan
      short.innerHTML = data.plan; // rendered and escaped by the server
      localise(short);
    }
    if (!data.card) return;
    card.show(data.card);
    document.querySelector("[data-toast]").textContent = data.title || "Your title";
    meter.value = data.units;
    document.getElementById("size-words").textContent = `${kb(data.units)} of ${kb(data.limit)}`;
  } catch {
    // the next keystroke asks again; saving tells about a lost connection
  }
}
const lookSoon = later(look, 200);

const themes = document.querySelector(".switch");
const dress = () => {
  for (const b of themes.children) b.setAttribute("aria-pressed", String(b.dataset.theme === card.theme()));
};
themes.hidden = false;
themes.addEventListener("click", (e) => {
  if (!e.target.dataset.theme) return;
  card.dress(e.target.dataset.theme);
  dress();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", dress);
dress();

// --- head-count
const reach = document.getElementById("reach");
let counting;
async function people() {
  counting?.abort();
  const chosen = form.elements.audience?.value === "everyone" || form.querySelector('[name="include"]');
  if (!chosen) {
    reach?.replaceChildren();
    return;
  }
  counting = new AbortController();
  reach.classList.add("old");
  if (!reach.firstElementChild) reach.textContent = "Counting…";
  try {
    const { status, data } = await ask("/audience", { method: "POST", form, signal: counting.signal });
    reach.innerHTML = status === 200 ? data.html : ""; // rendered and escaped by the server
    if (status !== 200) reach.textContent = data?.error ?? "The people could not be counted.";
  } catch (e) {
    if (e.name === "AbortError") return;
    reach.textContent = "The people could not be counted right now.";
  }
  reach.classList.remove("old");
}
const peopleSoon = later(people, 300);

// --- all together
const save = autosave(form, problems, lookSoon);
function changed() {
  lookSoon();
  save.changed();
}
const tongues = variants({ changed, looked: lookSoon, count });
const buttonRows = rows(changed, tongues);
// What a welcome message says in a team.
const inTeam = form.elements["team.body"];
if (inTeam) {
  toolbar(document.querySelector('.tools[aria-controls="team.body"]'), inTeam);
  for (const field of form.querySelectorAll('[data-in="team"]')) field.addEventListener("focus", () => tongues.look("team"));
}
// A correction has its announcement's audience, and nothing of the plan but its priority.
const audience = document.getElementById("parts") && parts(form, () => {
  changed();
  peopleSoon();
});
if (audience) shelf(form, audience);
const first = document.getElementById("ring") && ring(form, () => {
  mark("plan.canary.group", "");
  changed();
});
form.addEventListener("input", (e) => {
  if (e.target.closest(".shelf") || e.target.name === "audience_search" || e.target.name === "ring_search" || e.target.name === "add_variant" || e.target.name === "look_in") return;
  clear(e.target.id);
  if (e.target.dataset.count) count(e.target);
  if (e.target.name === "title" && !form.elements.look_in.value) document.querySelector("[data-toast]").textContent = e.target.value.trim() || "Your title";
  tongues.hints();
  changed();
});
if (form.elements.audience?.value) people();
if (save.dirty()) form.elements.title.dispatchEvent(new Event("input", { bubbles: true }));

// --- words an earlier visit could not save
const plan = ["priority", "expires_at", "expires_at_moment", "first", "first_people", "go_on", "max_failed", "late", "late_until", "late_until_moment", "repeats"];
const left = save.left();
if (left) {
  const bar = document.getElementById("restore");
  bar.querySelector("time").textContent = clock(new Date(left.at));
  bar.hidden = false;
  bar.querySelector("[data-restore]").addEventListener("click", () => {
    bar.hidden = true;
    const words = new URLSearchParams(left.text);
    for (const name of ["title", "body", "image_url", "image_alt"]) form.elements[name].value = words.get(name) ?? "";
    buttonRows.fill(words.getAll("button_title"), words.getAll("button_url"));
    tongues.fill(words);
    for (const field of form.querySelectorAll('[data-in="team"]')) field.value = words.get(field.name) ?? "";
    audience?.fill(words.get("audience"), words.getAll("include"), words.getAll("exclude"));
    first?.fill(words.getAll("ring"));
    for (const name of plan) {
      if (words.has(name) && form.elements[name]) form.elements[name].value = words.get(name);
    }
    counted().forEach(count);
    document.querySelector("[data-toast]").textContent = form.elements.title.value;
    changed();
    peopleSoon();
  });
  bar.querySelector("[data-forget]").addEventListener("click", () => {
    bar.hidden = true;
    save.forget();
  });
}
localise();
