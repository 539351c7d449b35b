// Choosing groups: search as you type, chips for what is chosen.
import { ask, later } from "./net.js";

/**
 * picker readies one place to choose groups. name is the field a choice is sent in, one tells that
 * a choice takes the place of the one before; picked and dropped are called after a choice.
 */
function picker({ chips, hits, status, search, find: button, name: field, one, picked, dropped }) {
  const blank = document.getElementById("chip");
  let asking;

  const chosen = () => [...chips.querySelectorAll(`input[name="${field}"]`)].map((i) => i.value.split(" ", 1)[0]);

  function add(id, name) {
    if (chosen().includes(id)) return;
    const chip = blank.content.firstElementChild.cloneNode(true);
    chip.querySelector("input").name = field;
    chip.querySelector("input").value = `${id} ${name}`;
    chip.querySelector("span").textContent = name || id;
    chip.querySelector("button").setAttribute("aria-label", `Remove ${name}`);
    if (one) chips.replaceChildren();
    chips.append(chip);
    picked();
  }

  function list(found) {
    const have = chosen();
    hits.replaceChildren(...found.map((g) => {
      const li = document.createElement("li");
      const b = document.createElement("button");
      const name = document.createElement("strong");
      const note = document.createElement("span");
      b.type = "button";
      name.textContent = g.name;
      note.className = "soft small";
      note.textContent = have.includes(g.id) ? `${g.note} · chosen` : g.note;
      b.append(name, " ", note);
      b.disabled = have.includes(g.id);
      b.addEventListener("click", () => {
        add(g.id, g.name);
        search.value = "";
        list([]);
        status.textContent = `${g.name} is chosen.`;
        search.focus();
      });
      li.append(b);
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
      const { status: code, data } = await ask(`/groups?q=${encodeURIComponent(text)}`, { signal: asking.signal });
      if (code !== 200) throw new Error(data?.error ?? "Groups cannot be searched right now.");
      list(data);
      status.textContent = data.length ? (data.length === 1 ? "1 group found." : `${data.length} groups found.`) : `No group begins with “${text}”.`;
    } catch (e) {
      if (e.name !== "AbortError") status.textContent = e.message;
    }
  }

  search.addEventListener("input", later(find, 250));
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
  hits.addEventListener("keydown", (e) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (!step) return;
    e.preventDefault();
    const all = [...hits.querySelectorAll("button:not(:disabled)")];
    (all[all.indexOf(document.activeElement) + step] ?? search).focus();
  });
  chips.addEventListener("click", (e) => {
    const drop = e.target.closest("button");
    if (!drop) return;
    e.preventDefault();
    drop.closest("li").remove();
    dropped();
    search.focus();
  });
  return {
    fill(values) {
      chips.replaceChildren();
      for (const v of values) {
        const [id, ...name] = v.split(" ");
        add(id, name.join(" "));
      }
    },
  };
}

const byID = (id) => document.getElementById(id);

/** groups readies the audience part of the form; changed is called after every choice. */
export function groups(form, changed) {
  const radios = form.elements.audience;
  const sync = () => {
    byID("groups").hidden = radios.value === "everyone";
  };
  const place = picker({
    chips: byID("chips"), hits: byID("hits"), status: byID("hits-status"), search: form.elements.group_search, find: byID("find-groups"), name: "group",
    picked() {
      radios.value = "groups";
      sync();
      changed();
    },
    dropped: changed,
  });
  for (const radio of radios) {
    radio.addEventListener("change", () => {
      sync();
      changed();
    });
  }
  sync();
  return {
    fill(choice, values) {
      place.fill(values);
      if (choice) radios.value = choice;
      sync();
    },
  };
}

/** ring readies the choice of the group that gets it first. */
export function ring(form, changed) {
  return picker({
    chips: byID("ring-chips"), hits: byID("ring-hits"), status: byID("ring-status"), search: form.elements.ring_search, find: byID("find-ring"),
    name: "ring", one: true, picked: changed, dropped: changed,
  });
}
