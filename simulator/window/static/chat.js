// The right side: one person's chat with the bot, live.
import { h, icon, avatar, dayOf, reconcile } from "./dom.js";
import * as api from "./api.js";
import { darkScheme } from "./cards.js";
import { Compose } from "./compose.js";
import { announce, confirmDanger, openLink, toast } from "./feedback.js";
import { MessageView, preview } from "./message.js";
import { badge, badgesOf } from "./people.js";
import { keepReaction, reactionsOf } from "./reactions.js";
import { ChatTools } from "./tools.js";

/** Chat shows one person at a time; close() ends what it listens to. */
export class Chat {
  #root;
  #id;
  #onChange;
  #person = null;
  #stop = () => {};
  #reading = null;
  #again = false;
  #closed = false;
  #views = new Map();
  #dividers = new Map();
  #notice = null;
  #stuck = true;
  #head = h("header", { class: "chat-head" });
  #strip = h("p", { class: "strip", hidden: true });
  #log = h("div", { class: "log" });
  #scroller = h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Messages" }, this.#log);
  #compose = new Compose((text) => this.#act("say", { text }));
  #tools = new ChatTools((verb) => this.#tool(verb));
  #resize = new ResizeObserver(() => this.#stuck && this.#toEnd());
  #rescheme = () => this.#views.forEach((view) => view.redraw());

  /** onChange(person) is called after everything that may have changed the list of people, too. */
  constructor(root, entraID, onChange) {
    this.#root = root;
    this.#id = entraID;
    this.#onChange = onChange;
    this.#scroller.addEventListener("scroll", () => {
      const rest = this.#scroller.scrollHeight - this.#scroller.scrollTop - this.#scroller.clientHeight;
      this.#stuck = rest < 80;
    });
    root.setAttribute("aria-busy", "true");
    root.replaceChildren(h("p", { class: "empty" }, "Opening the chat…"));
  }

  async open() {
    darkScheme.addEventListener("change", this.#rescheme);
    this.#stop = api.watch(this.#id, () => this.refresh());
    await this.refresh();
  }

  close() {
    this.#closed = true;
    this.#stop();
    this.#resize.disconnect();
    darkScheme.removeEventListener("change", this.#rescheme);
  }

  /** refresh reads the person again; it resolves when what was true at the call is shown. */
  refresh() {
    this.#again = true;
    this.#reading ??= this.#read().finally(() => (this.#reading = null));
    return this.#reading;
  }

  // Calls that come while the simulator answers are served by one more reading.
  async #read() {
    try {
      while (this.#again && !this.#closed) {
        this.#again = false;
        this.#show(await api.person(this.#id));
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error) {
    if (this.#closed || this.#person) return;
    const words = error.status === 404 ? "Nobody here has this ID. Pick a person from the list." : error.message;
    this.#root.removeAttribute("aria-busy");
    this.#root.replaceChildren(h("div", { class: "empty" }, h("p", {}, words), h("p", {}, h("a", { href: "/teams" }, "Show everybody"))));
    if (error.status === 404) this.#stop();
  }

  #show(person) {
    if (this.#closed) return;
    const first = this.#person === null;
    this.#person = person;
    if (first) {
      this.#root.removeAttribute("aria-busy");
      this.#root.replaceChildren(this.#head, this.#strip, this.#scroller, this.#compose.element);
      this.#resize.observe(this.#log);
      this.#resize.observe(this.#scroller);
      document.title = `${person.name} – Simulated Teams of Contoso`;
    }
    const before = new Map([...this.#views].map(([id, view]) => [id, view.message]));
    this.#render();
    if (!first) this.#tellNews(before);
    this.#tellNotice(first);
    if (first) announce(`Chat of ${person.name}, ${this.#sent.length} messages`);
    this.#onChange(person);
  }

  get #sent() {
    return this.#person.chat?.messages ?? [];
  }

  #render() {
    this.#renderHead();
    this.#renderLog();
    if (this.#stuck) this.#toEnd();
  }

  #renderHead() {
    const p = this.#person;
    const back = h("a", { class: "icon-button back", href: "/teams", "aria-label": "Back to the people", "data-back": true }, icon("back"));
    const who = h("div", { class: "who" },
      h("h2", {}, p.name),
      h("p", { class: "sub" }, [p.department, p.upn].filter(Boolean).join(" · ")),
      h("p", { class: "badges" }, ...(badgesOf(p).length ? badgesOf(p) : [["muted", "Not installed"]]).map(badge)));
    // The tools keep their elements, so that a pressed button keeps the focus.
    if (!this.#head.firstChild) this.#head.append(back, avatar(p.name, p.number), who, this.#tools.toggle, this.#tools.element);
    else this.#head.replaceChild(who, this.#head.children[2]);
    this.#tools.show(p, this.#sent.length > 0);
    const why = this.#whySilent(p);
    this.#strip.hidden = !why;
    this.#strip.textContent = why ?? "";
    this.#compose.allow(!why, why ? "You cannot write to the bot now" : "");
  }

  #whySilent(p) {
    if (p.blocked) return `${p.name} blocked the bot: it cannot write, and nothing can be written to it. Unblock it to go on.`;
    if (p.kind === "disabled") return `${p.name}’s account is disabled, nobody can sign in to this Teams.`;
    if (p.kind === "unlicensed") return `${p.name} has no Teams licence.`;
    if (!p.installed) return `The app is not installed for ${p.name}. A broadcast installs it first, or press “Install app”.`;
    return null;
  }

  #renderLog() {
    const sent = this.#sent;
    if (sent.length === 0) {
      this.#views.clear();
      reconcile(this.#log, [this.#emptyChat()]);
      return;
    }
    const nodes = [];
    const firstUnread = this.#firstUnread(sent);
    let day = "";
    for (const message of sent) {
      if (dayOf(message.at) !== day) {
        day = dayOf(message.at);
        nodes.push(this.#divider(day, "divider"));
      }
      if (message.id === firstUnread) nodes.push(this.#divider("New", "divider new"));
      nodes.push(this.#view(message).element);
    }
    const ids = new Set(sent.map((message) => message.id));
    for (const id of this.#views.keys()) if (!ids.has(id)) this.#views.delete(id);
    reconcile(this.#log, nodes);
  }

  #view(message) {
    let view = this.#views.get(message.id);
    if (!view) {
      view = new MessageView(message, this.#person, this.#handlers(message));
      this.#views.set(message.id, view);
    }
    view.update(message, reactionsOf(this.#id, message));
    return view;
  }

  #divider(words, kind) {
    let element = this.#dividers.get(words);
    if (!element) this.#dividers.set(words, (element = h("p", { class: kind }, h("span", {}, words))));
    return element;
  }

  #firstUnread(sent) {
    const fromBot = sent.filter((message) => message.from === "bot");
    return this.#person.unread > 0 ? fromBot.at(-Math.min(this.#person.unread, fromBot.length))?.id : undefined;
  }

  #emptyChat() {
    const p = this.#person;
    const next = p.installed
      ? `Send a broadcast that includes ${p.name}: it appears here by itself, as in the real Teams.`
      : `Send a broadcast that includes ${p.name}: the app is installed first, then the message appears here by itself.`;
    return h("div", { class: "empty" }, icon("chat"), h("p", {}, "No messages yet."), h("p", { class: "sub" }, next));
  }

  #handlers(message) {
    return {
      open: openLink,
      click: (action, inputs) => this.#click(message, action, inputs),
      react: async (type, removed) => {
        if (!(await this.#act("react", { message_id: message.id, type, removed }))) return;
        keepReaction(this.#id, message, type, removed);
        this.#renderLog();
      },
    };
  }

  async #click(message, action, inputs) {
    const element = this.#views.get(message.id)?.element;
    element?.setAttribute("aria-busy", "true");
    try {
      const answer = await api.act(this.#id, "click", { message_id: message.id, action, inputs });
      this.#answer(answer, action);
    } catch (error) {
      toast(error.message, "error");
    } finally {
      element?.removeAttribute("aria-busy");
    }
    await this.refresh();
  }

  #answer(answer, action) {
    const said = typeof answer?.value === "string" ? answer.value : "";
    switch (answer?.kind) {
      case "message":
        this.#notice = said;
        return toast(said, "bot");
      case "error":
        this.#notice = said;
        return toast(said || "Something went wrong. Please try again.", "error");
      case "card":
        return announce("The card changed.");
      default:
        return toast(action.type === "Action.Submit" ? "Your response was sent to the app." : "Done.");
    }
  }

  // Answers whether it worked; what went wrong is told here.
  async #act(verb, body) {
    try {
      await api.act(this.#id, verb, body);
      return true;
    } catch (error) {
      toast(error.message, "error");
      return false;
    } finally {
      await this.refresh();
    }
  }

  async #tool(verb) {
    const p = this.#person;
    if (verb === "delete-chat") {
      const sure = await confirmDanger("Delete this chat?", `${p.name} loses all its messages, and the bot’s next message opens a new chat.`, "Delete chat");
      if (!sure) return;
    }
    const done = {
      block: "The bot is blocked.", unblock: "The bot may write again.", install: "The app is installed.",
      remove: "The app is removed.", "delete-chat": "The chat is deleted.", read: "Marked as read.",
    };
    if (await this.#act(verb)) toast(done[verb]);
  }

  #tellNews(before) {
    for (const message of this.#sent) {
      if (message.from !== "bot") continue;
      const old = before.get(message.id);
      // Teams shows a toast for news; an answer to what was just typed is only read out.
      if (!old && (message.summary || message.cards?.length)) toast(preview(message), "bot");
      else if (!old) announce(preview(message));
      else if (message.deleted && !old.deleted) announce("A message was deleted.");
      else if (message.edited && !old.edited) announce(`A message was edited: ${preview(message)}`);
    }
  }

  #tellNotice(first) {
    const notice = this.#person.notice || null;
    if (!first && notice && notice !== this.#notice) toast(notice, "bot");
    this.#notice = notice;
  }

  // A message taller than the window is shown from its beginning, others from the end of the chat.
  #toEnd() {
    const last = this.#log.lastElementChild;
    if (!last) return;
    const before = last.previousElementSibling;
    const start = before?.classList.contains("divider") ? before : last;
    const tall = last.offsetTop + last.offsetHeight - start.offsetTop > this.#scroller.clientHeight;
    this.#scroller.scrollTop = tall ? start.offsetTop - this.#scroller.offsetTop - 8 : this.#scroller.scrollHeight;
  }
}
