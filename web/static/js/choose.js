// Choosing: search as you type, chips for what is chosen.
import { ask, later } from "./net.js";

const byID = (id) => document.getElementById(id);

/** chipsOf readies a list of chips whose choices are sent in a field; one: a choice takes the place of the one before. */
function chipsOf({ list, field, one, changed, search }) {
  const blank = byID("chip");
  const keys = () => [...list.children].map((li) => li.dataset.key);
  function add({ key, value, name }) {
    if (keys().includes(key)) return;
    const chip = blank.content.firstElementChild.cloneNode(true);
    chip.dataset.key = key;
    chip.querySelector("input").name = field;
    chip.querySelector("input").value = value;
    chip.querySelector("span").textContent = name;
    chip.querySelector("button").setAttribute("aria-label", `Remove ${name}`);
    if (one) list.replaceChildren();
    list.append(chip);
  }
  list.addEventListener("click", (e) => {
    const drop = e.target.closest("button");
    if (!drop) return;
    e.preventDefault();
    drop.closest("li").remove();
    changed();
    search.focus();
  });
  return { add, has: (key) => keys().includes(key), fill(all) { list.replaceChildren(); all.forEach(add); } };
}

/**
 * finder lists what a search finds. Each hit has the buttons of actions: the first is the hit
 * itself, the others say what else can be done with it. found and none are what the status says.
 */
function finder({ hits, status, search, find: button, url, found: words, none, actions }) {
  let asking;
  const soon = later(find, 250);

  function act(action, hit) {
    soon.cancel();
    asking?.abort(); // a late answer would list what nobody looks for any more
    action.do(hit);
    search.value = "";
    list([]);
    status.textContent = `${hit.name} ${action.done}`;
    search.focus();
  }

  function list(found) {
    hits.replaceChildren(...found.map((hit) => {
      const li = document.createElement("li");
      const taken = actions.find((a) => a.chips.has(hit.key));
      actions.filter((action) => action.fits?.(hit) ?? true).forEach((action, i) => {
        const b = document.createElement("button");
        b.type = "button";
        b.disabled = action.chips.has(hit.key);
        if (i > 0) {
          b.textContent = action.label;
          b.setAttribute("aria-label", `${action.label} ${hit.name}`);
        } else {
          const name = document.createElement("strong");
          const note = document.createElement("span");
          name.textContent = hit.name;
          note.className = "soft small";
          note.textContent = taken ? `${hit.note} · ${taken.taken}` : hit.note;
          b.append(name, " ", note);
        }
        b.addEventListener("click", () => act(action, hit));
        li.append(b);
      });
      return li;
    }));
  }

  async function find() {
    asking?.abort();
    const text = search.value.trim();
    if (!text) {
      list([]);
      status.textContent = "";
      return;
    }
    asking = new AbortController();
    try {
      const { status: code, data } = await ask(`${url}?q=${encodeURIComponent(text)}`, { signal: asking.signal });
      if (code !== 200) throw new Error(data?.error ?? "The search does not answer right now.");
      list(data.map((h) => (h.key ? h : { ...h, key: h.id, value: `${h.id} ${h.name}` })));
      status.textContent = data.length ? words(data.length) : none(text);
    } catch (e) {
      if (e.name !== "AbortError") status.textContent = e.message;
    }
  }

  search.addEventListener("input", soon);
  button.addEventListener("click", (e) => {
    e.preventDefault();
    find();
  });
  search.addEventListener("keydown", (e) => {
    if (e.key === "Enter") {
      e.preventDefault();
      find();
    }
    if (e.key === "ArrowDown") {
      e.preventDefault();
      hits.querySelector("button:not(:disabled)")?.focus();
    }
  });
  if (search.value) soon(); // typed before this script came
  hits.addEventListener("keydown", (e) => {
    const step = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!step) return;
    e.preventDefault();
    const sideways = e.key === "ArrowRight" || e.key === "ArrowLeft";
    const all = [...(sideways ? document.activeElement.closest("li") : hits).querySelectorAll(sideways ? "button:not(:disabled)" : "li > button:first-child:not(:disabled)")];
    const here = all.indexOf(document.activeElement);
    (all[here + step] ?? (sideways ? document.activeElement : search)).focus();
  });
}

/** parts readies the audience of the form; changed is called after every choice. */
export function parts(form, changed) {
  const radios = form.elements.audience;
  const search = form.elements.audience_search;
  const isChannel = (value) => JSON.parse(value).kind === "channel";
  // Beside everyone only channels count: they get a post, whoever reads there.
  const sync = () => {
    for (const li of byID("include").children) li.hidden = radios.value === "everyone" && !isChannel(li.querySelector("input").value);
    byID("included").hidden = ![...byID("include").children].some((li) => !li.hidden);
    byID("excluded").hidden = !byID("exclude").children.length;
  };
  const chosen = () => {
    sync();
    changed();
  };
  const take = (hit) => {
    include.add(hit);
    if (radios.value !== "everyone" || !isChannel(hit.value)) radios.value = "some";
    chosen();
  };
  const include = chipsOf({ list: byID("include"), field: "include", changed: chosen, search });
  const exclude = chipsOf({ list: byID("exclude"), field: "exclude", changed: chosen, search });
  finder({
    hits: byID("hits"), status: byID("hits-status"), search, find: byID("find-parts"), url: "/audience/find",
    found: (n) => `${n} found.`, none: (text) => `Nothing begins with “${text}”.`,
    actions: [
      { chips: include, taken: "chosen", done: "is chosen.", do: take },
      { chips: exclude, fits: (hit) => !isChannel(hit.value), label: "Leave out", taken: "left out", done: "is left out.", do(hit) { exclude.add(hit); chosen(); } },
    ],
  });
  for (const radio of radios) radio.addEventListener("change", chosen);
  sync();
  const hitOf = (value) => {
    const part = JSON.parse(value);
    const noun = { list: "List ", team: "Team ", channel: "Channel " }[part.kind] ?? "";
    return { value, key: value, name: (part.name && noun + part.name) || part.values?.join(" or ") || part.id };
  };
  return {
    /** include takes one more in. */
    include: take,
    /** replace takes the place of all that is chosen. */
    replace({ everyone, include: ins, exclude: outs }) {
      include.fill(ins);
      exclude.fill(outs);
      radios.value = everyone ? "everyone" : "some";
      chosen();
    },
    fill(choice, included, excluded) {
      include.fill(included.map(hitOf));
      exclude.fill(excluded.map(hitOf));
      if (choice) radios.value = choice;
      sync();
    },
  };
}

/** ring readies the choice of the group that gets it first. */
export function ring(form, changed) {
  const search = form.elements.ring_search;
  const chips = chipsOf({ list: byID("ring-chips"), field: "ring", one: true, changed, search });
  finder({
    hits: byID("ring-hits"), status: byID("ring-status"), search, find: byID("find-ring"), url: "/groups",
    found: (n) => (n === 1 ? "1 group found." : `${n} groups found.`), none: (text) => `No group begins with “${text}”.`,
    actions: [{ chips, taken: "chosen", done: "is chosen.", do(hit) { chips.add(hit); changed(); } }],
  });
  return {
    fill(values) {
      chips.fill(values.map((value) => {
        const [id, ...name] = value.split(" ");
        return { key: id, value, name: name.join(" ") || id };
      }));
    },
  };
}
