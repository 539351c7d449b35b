// The message in other languages: a part of the form for each, and the language of the preview.
import { toolbar } from "./toolbar.js";

const byID = (id) => document.getElementById(id);
const wrote = (part) => [...part.querySelectorAll("[data-of]")].some((f) => f.value.trim());

/**
 * variants readies the parts. changed is called when one comes or goes, looked when the preview is to
 * be in another language, count for a field with a counter.
 */
export function variants({ changed, looked, count }) {
  const list = byID("variant-list");
  const typed = byID("add_variant");
  const problem = byID("add_variant-problem");
  const lookIn = byID("look-in");
  const codes = new Map([...byID("languages").options].map((o) => [o.value.toLowerCase(), o.dataset.code]));
  const names = new Map([...byID("languages").options].map((o) => [o.dataset.code, o.value]));
  const parts = () => [...list.children].filter((p) => p.matches("details"));
  const part = (locale) => parts().find((p) => p.dataset.variant === locale);

  // As the server writes it: de_at is de-AT.
  const tidy = (text) => text.trim().replaceAll("_", "-").split("-").map((p, i) => {
    if (i === 0 || p.length > 4) return p.toLowerCase();
    return p.length === 4 ? p[0].toUpperCase() + p.slice(1).toLowerCase() : p.toUpperCase();
  }).join("-");
  const localeOf = (text) => codes.get(text.trim().toLowerCase()) ?? tidy(text);
  const isLocale = (text) => /^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$/.test(text);
  function nameOf(locale) {
    const [tongue, ...rest] = locale.split("-");
    if (names.has(locale)) return names.get(locale);
    return names.has(tongue) ? `${names.get(tongue)} (${rest.join("-")})` : locale;
  }

  function look(locale) {
    if (lookIn.value === locale) return;
    lookIn.value = locale;
    looked();
  }

  // --- the rows of buttons follow the message's
  const rowsOf = (p) => p.querySelector("[data-rows]");
  const defaults = () => [...document.querySelectorAll("#button-rows .button-row")];
  const attributes = ["id", "for", "name", "data-problem", "aria-describedby"];
  function rename(el, from, to) {
    for (const name of attributes) {
      const old = el.getAttribute(name);
      if (old) el.setAttribute(name, old.replaceAll(from, to));
    }
  }
  function number(p) {
    [...rowsOf(p).children].forEach((row, i) => {
      for (const el of row.querySelectorAll("*")) rename(el, /\bbuttons\.\d+/g, `buttons.${i}`);
      row.querySelector("[data-number]").textContent = i + 1;
    });
    p.querySelector("[data-none]").hidden = rowsOf(p).children.length > 0;
  }
  function addRow(p) {
    const row = byID("variant-button").content.firstElementChild.cloneNode(true);
    for (const el of row.querySelectorAll("*")) rename(el, "variants.LOCALE.", `variants.${p.dataset.variant}.`);
    rowsOf(p).append(row);
    number(p);
  }

  // What is left empty is the message's own: it stands there in grey.
  const fields = { title: "title", body: "body", image_url: "image_url", image_alt: "image_alt" };
  function hints() {
    for (const p of parts()) {
      for (const [of, id] of Object.entries(fields)) p.querySelector(`[data-of="${of}"]`).placeholder = byID(id).value || (of === "image_url" ? "https://…" : "");
      defaults().forEach((row, i) => {
        const own = rowsOf(p).children[i];
        for (const of of ["button_title", "button_url"]) {
          const field = own?.querySelector(`[data-of="${of}"]`);
          if (field) field.placeholder = row.querySelector(`[name="${of}"]`).value;
        }
      });
    }
  }

  function ready(p) {
    toolbar(p.querySelector(".tools"), p.querySelector("textarea"));
    p.querySelectorAll("[data-count]").forEach(count);
    number(p);
  }

  function add(locale) {
    const p = byID("variant").content.firstElementChild.cloneNode(true);
    p.dataset.variant = locale;
    for (const el of p.querySelectorAll("*")) {
      rename(el, "LOCALE", locale);
      if (el.hasAttribute("aria-controls")) el.setAttribute("aria-controls", `variants.${locale}.body`);
      if (el.hasAttribute("lang")) el.lang = locale;
    }
    p.querySelector('[name="variant"]').value = locale;
    p.querySelector("summary code").textContent = locale;
    for (const el of p.querySelectorAll("[data-language]")) el.textContent = nameOf(locale);
    p.querySelector("[data-drop-variant]").value = `drop-variant:${locale}`;
    rowsOf(p).replaceChildren();
    list.append(p);
    defaults().forEach(() => addRow(p));
    const option = new Option(nameOf(locale), locale);
    lookIn.add(option);
    byID("look-in-place").hidden = false;
    hints();
    ready(p);
    return p;
  }

  function drop(p) {
    const locale = p.dataset.variant;
    if (lookIn.value === locale) look("");
    [...lookIn.options].find((o) => o.value === locale)?.remove();
    byID("look-in-place").hidden = lookIn.options.length < 2;
    const back = document.createElement("p");
    const button = document.createElement("button");
    back.className = "soft undo";
    back.setAttribute("role", "status");
    back.append(`${nameOf(locale)} is removed. `);
    button.type = "button";
    button.textContent = "Bring it back";
    button.addEventListener("click", () => {
      back.replaceWith(p);
      lookIn.add(new Option(nameOf(locale), locale));
      byID("look-in-place").hidden = false;
      while (rowsOf(p).children.length < defaults().length) addRow(p);
      changed();
      p.querySelector("[data-of]").focus();
    });
    back.append(button);
    if (wrote(p)) {
      p.replaceWith(back);
      button.focus();
    } else {
      p.remove();
      typed.focus();
    }
    changed();
  }

  byID("add-variant").addEventListener("click", (e) => {
    e.preventDefault();
    const locale = localeOf(typed.value);
    const wrong = !typed.value.trim() ? "Choose the language first."
      : !isLocale(locale) ? "This is no language that is known here. Choose one of the list, or write its code, like de or pt-BR."
        : part(locale) ? `${nameOf(locale)} is there already.` : "";
    problem.textContent = wrong;
    if (wrong) {
      typed.setAttribute("aria-invalid", "true");
      typed.focus();
      return;
    }
    typed.removeAttribute("aria-invalid");
    typed.value = "";
    list.querySelectorAll(".undo").forEach((p) => p.firstChild.textContent.startsWith(nameOf(locale)) && p.remove());
    const p = add(locale);
    look(locale);
    p.querySelector("[data-of]").focus();
    changed();
  });
  typed.addEventListener("keydown", (e) => {
    if (e.key !== "Enter") return;
    e.preventDefault();
    byID("add-variant").click();
  });
  list.addEventListener("click", (e) => {
    const button = e.target.closest("[data-drop-variant]");
    if (!button) return;
    e.preventDefault();
    drop(button.closest("details"));
  });
  // The preview is in the language somebody writes in.
  list.addEventListener("focusin", (e) => {
    const p = e.target.closest("details");
    if (p && e.target.dataset.of) look(p.dataset.variant);
  });
  for (const id of ["title", "body"]) byID(id).addEventListener("focus", () => look(""));
  lookIn.addEventListener("change", looked);
  parts().forEach(ready);

  return {
    hints,
    look,
    added: () => parts().forEach(addRow),
    dropped: (i) => parts().forEach((p) => { rowsOf(p).children[i]?.remove(); number(p); }),
    fill(words) {
      parts().forEach((p) => p.remove());
      for (const o of [...lookIn.options]) if (names.has(o.value) || o.value.includes("-")) o.remove();
      for (const locale of words.getAll("variant")) {
        for (const field of add(locale).querySelectorAll("[data-of]")) field.value = words.get(field.name) ?? "";
      }
    },
  };
}
