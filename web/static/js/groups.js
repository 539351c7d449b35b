// Choosing groups: search as you type, chips for what is chosen.
import { ask, later } from "./net.js";

/** groups readies the audience part of the form; changed is called after every choice. */
export function groups(form, changed) {
  const place = document.getElementById("groups");
  const chips = document.getElementById("chips");
  const hits = document.getElementById("hits");
  const status = document.getElementById("hits-status");
  const search = form.elements.group_search;
  const blank = document.getElementById("chip");
  let asking;

  const chosen = () => [...chips.querySelectorAll('input[name="group"]')].map((i) => i.value.split(" ", 1)[0]);
  const sync = () => {
    place.hidden = form.elements.audience.value === "everyone";
  };

  function add(id, name) {
    if (chosen().includes(id)) return;
    const chip = blank.content.firstElementChild.cloneNode(true);
    chip.querySelector("input").value = `${id} ${name}`;
    chip.querySelector("span").textContent = name || id;
    const drop = chip.querySelector("button");
    drop.setAttribute("aria-label", `Remove ${name}`);
    drop.value = `drop-group:${id}`;
    chips.append(chip);
    form.elements.audience.value = "groups";
    sync();
    changed();
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
  document.getElementById("find-groups").addEventListener("click", (e) => {
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
    changed();
    search.focus();
  });
  for (const radio of form.elements.audience) {
    radio.addEventListener("change", () => {
      sync();
      changed();
    });
  }
  sync();
  return {
    fill(choice, values) {
      chips.replaceChildren();
      for (const v of values) {
        const [id, ...name] = v.split(" ");
        add(id, name.join(" "));
      }
      if (choice) form.elements.audience.value = choice;
      sync();
    },
  };
}
