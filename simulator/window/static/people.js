// The left side: everybody of the tenant, searchable, page by page, with what state they are in.
import { h, avatar, reconcile } from "./dom.js";
import * as api from "./api.js";

const refreshEvery = 4_000;
const typingPause = 200;
// Refreshing asks for each page again; beyond this many only the first ones stay live.
const livePages = 4;

const kinds = { guest: "Guest", disabled: "Disabled", unlicensed: "No Teams" };

/** badgesOf tells a person's state in one or two words each: [class, words]. */
export function badgesOf(person) {
  const badges = [];
  if (kinds[person.kind]) badges.push(["muted", kinds[person.kind]]);
  if (person.blocked) badges.push(["bad", "Blocked"]);
  else if (person.installed) badges.push(["good", "Installed"]);
  return badges;
}

export const badge = ([kind, words]) => h("span", { class: `badge ${kind}` }, words);

/** addressOf is the page that shows this person's Teams. */
export const addressOf = (entraID) => `/teams?person=${encodeURIComponent(entraID)}`;

export class People {
  #list = document.getElementById("people-list");
  #empty = document.getElementById("people-empty");
  #more = document.getElementById("people-more");
  #count = document.getElementById("people-count");
  #search = document.getElementById("search");
  #withChat = document.getElementById("with-chat");
  #items = new Map();
  #pages = [];
  #selected = "";
  #asked = new AbortController();
  #onConnection;

  /** pick(entraID) is called for a plain click; onConnection(alive) after every answer. */
  constructor({ pick, onConnection }) {
    this.#onConnection = onConnection;
    let typing = 0;
    this.#search.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.load(), typingPause);
    });
    this.#withChat.addEventListener("click", () => {
      const pressed = this.#withChat.getAttribute("aria-pressed") !== "true";
      this.#withChat.setAttribute("aria-pressed", String(pressed));
      this.load();
    });
    this.#more.addEventListener("click", () => this.#loadMore());
    this.#list.addEventListener("click", (event) => {
      const link = event.target.closest("a");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
      event.preventDefault();
      pick(link.dataset.person);
    });
    this.#list.addEventListener("keydown", (event) => this.#walk(event));
    this.#search.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") this.#list.querySelector("a")?.focus();
    });
    this.#keepFresh(refreshEvery);
  }

  // A search among a million people takes the simulator a while: the longer it takes, the rarer it is
  // asked again.
  #keepFresh(pause) {
    setTimeout(async () => {
      const start = performance.now();
      if (document.visibilityState === "visible") await this.refresh();
      this.#keepFresh(Math.max(refreshEvery, 20 * (performance.now() - start)));
    }, pause);
  }

  get filtered() {
    return { q: this.#search.value.trim(), withChat: this.#withChat.getAttribute("aria-pressed") === "true" };
  }

  /** load shows the first page of what is searched for. */
  async load() {
    this.#asked.abort();
    this.#asked = new AbortController();
    const page = await this.#fetch(0, this.#asked.signal);
    if (!page) return;
    this.#pages = [page];
    this.#render();
    this.#tellCount();
  }

  async #loadMore() {
    const page = await this.#fetch(this.#pages.at(-1)?.next, this.#asked.signal);
    if (!page) return;
    this.#pages.push(page);
    this.#render();
    this.#list.children[this.#list.children.length - page.people.length]?.querySelector("a").focus();
    this.#tellCount();
  }

  /** refresh asks for the shown pages again, so that badges and unread counts stay true. */
  async refresh() {
    const signal = this.#asked.signal;
    if (this.#pages.length === 0) return this.load();
    const pages = await Promise.all(this.#pages.slice(0, livePages).map((page) => this.#fetch(page.after, signal)));
    if (signal.aborted || pages.some((page) => !page)) return;
    // A page that got shorter or longer (the with-chat filter) makes the following ones meaningless.
    const last = pages.at(-1);
    const kept = last.next === this.#pages[pages.length - 1]?.next ? this.#pages.slice(pages.length) : [];
    this.#pages = [...pages, ...kept];
    this.#render();
  }

  select(entraID) {
    this.#selected = entraID;
    this.#render();
    this.#items.get(entraID)?.element.scrollIntoView({ block: "nearest" });
  }

  /** focus gives the keyboard back to the list, where it was left (narrow screens). */
  focus(entraID) {
    (this.#items.get(entraID)?.element.firstElementChild ?? this.#search).focus();
  }

  async #fetch(after, signal) {
    try {
      const page = await api.people({ ...this.filtered, after, signal });
      this.#onConnection(true);
      return { ...page, after };
    } catch (error) {
      if (error.name !== "AbortError") this.#onConnection(error.status !== 0, error.message);
      return null;
    }
  }

  #render() {
    if (this.#pages.length === 0) return;
    const everybody = this.#pages.flatMap((page) => page.people);
    const seen = new Set(everybody.map((person) => person.entra_id));
    for (const id of this.#items.keys()) if (!seen.has(id)) this.#items.delete(id);
    reconcile(this.#list, everybody.map((person) => this.#item(person)));
    this.#more.hidden = !this.#pages.at(-1)?.next;
    this.#empty.hidden = everybody.length > 0;
    if (everybody.length === 0) this.#empty.replaceChildren(...this.#whyEmpty());
  }

  #item(person) {
    const current = person.entra_id === this.#selected;
    const signature = JSON.stringify([person, current]);
    let item = this.#items.get(person.entra_id);
    if (item?.signature === signature) return item.element;
    item ??= { element: h("li", {}, h("a", { href: addressOf(person.entra_id), "data-person": person.entra_id })) };
    item.signature = signature;
    const link = item.element.firstElementChild;
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    link.replaceChildren(
      avatar(person.name, person.number),
      h("span", { class: "who" }, h("span", { class: "name" }, person.name), h("span", { class: "sub" }, person.department || person.upn)),
      h("span", { class: "badges" },
        ...badgesOf(person).map(badge),
        person.unread > 0 && h("span", { class: "unread" }, String(person.unread), h("span", { class: "sr-only" }, " unread")),
      ),
    );
    this.#items.set(person.entra_id, item);
    return item.element;
  }

  #whyEmpty() {
    const { q, withChat } = this.filtered;
    if (q) return [h("p", {}, `Nobody found for “${q}”.`), h("p", { class: "sub" }, "Try a first name, a last name or a part of an address.")];
    if (withChat) {
      return [h("p", {}, "Nobody has a chat with the bot yet."), h("p", { class: "sub" }, "Send a broadcast, or pick a person and install the app: the chat opens by itself.")];
    }
    return [h("p", {}, "This tenant has no people."), h("p", { class: "sub" }, "Start the simulator with -people and a number.")];
  }

  #tellCount() {
    const count = this.#pages.reduce((sum, page) => sum + page.people.length, 0);
    this.#count.textContent = `${count} ${count === 1 ? "person" : "people"} shown${this.#more.hidden ? "" : ", there are more"}`;
  }

  #walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const links = [...this.#list.querySelectorAll("a")];
    const next = links[links.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
}
