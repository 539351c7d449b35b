// A scope, or a ring, is chosen like an audience, and counted meanwhile.
import { parts } from "./choose.js";
import { ask, later } from "./net.js";
import { localise } from "./time.js";

const form = document.querySelector("form[data-counts]");
const count = document.getElementById(form?.dataset.counts);

let counting;
async function people() {
  counting?.abort();
  if (form.elements.audience.value !== "everyone" && !form.querySelector('[name="include"]')) {
    count.textContent = "";
    return;
  }
  counting = new AbortController();
  try {
    const { status, data } = await ask("/audience", { method: "POST", form, signal: counting.signal });
    count.textContent = status === 200 ? data.words : data?.error ?? "The people could not be counted.";
  } catch (e) {
    if (e.name !== "AbortError") count.textContent = "The people could not be counted right now.";
  }
}
if (form && count) {
  parts(form, later(people, 300));
  people();
}
localise();
