// One message of the chat: who, when, what, and what may be done with it.
import { h, icon, avatar, botAvatar, when } from "./dom.js";
import { markdown, renderCard } from "./cards.js";
import { reactions } from "./reactions.js";

// The simulator gives its bot this name, too (the recipient of its activities).
const botName = "Fanfare";

function botText(text) {
  const box = h("div", { class: "text" });
  box.innerHTML = markdown(text);
  return box;
}

/** preview is what Teams puts on the toast for a message: plain words, without Markdown's signs. */
export function preview(message) {
  if (message.summary) return message.summary;
  if (message.text) return message.from === "bot" ? botText(message.text).textContent.trim() : message.text;
  return message.cards?.length ? "Sent a card" : "New message";
}

function content(message, handlers) {
  if (message.deleted) return [h("p", { class: "gone" }, "This message has been deleted.")];
  const parts = [];
  if (message.text) parts.push(message.from === "bot" ? botText(message.text) : h("p", { class: "text plain" }, message.text));
  for (const card of message.cards ?? []) parts.push(renderCard(card, handlers));
  return parts.length > 0 ? parts : [h("p", { class: "gone" }, "An empty message.")];
}

/**
 * MessageView keeps one message on the screen. update() touches only what changed: a card that is being
 * filled in is drawn again only when the card itself is another one.
 * handlers: open(address), click(action, inputs), react(type, removed).
 */
export class MessageView {
  #handlers;
  #bot;
  #name;
  #head = h("header");
  #toastLine = h("p", { class: "toast-line" });
  #bubble = h("div", { class: "bubble" });
  #bar = h("div", { class: "reaction-bar", role: "group", "aria-label": "React to this message" });
  #pills = h("div", { class: "pills" });
  #drawn = "";
  message;
  element;

  constructor(message, person, handlers) {
    this.#handlers = handlers;
    this.#bot = message.from === "bot";
    this.#name = this.#bot ? botName : person.name;
    for (const [type, sign] of reactions) {
      const button = h("button", { type: "button", class: "reaction", "aria-label": type, title: type }, sign);
      button.addEventListener("click", () => handlers.react(type, button.getAttribute("aria-pressed") === "true"));
      this.#bar.append(button);
    }
    this.#bubble.addEventListener("click", (event) => this.#followLink(event));
    this.element = h("article", { class: `message ${this.#bot ? "from-bot" : "from-person"}`, "data-message": message.id },
      this.#bot ? botAvatar() : avatar(person.name, person.number),
      h("div", { class: "column" },
        this.#head, this.#toastLine, h("div", { class: "with-reactions" }, this.#bubble, this.#bar), this.#pills));
  }

  /** update shows the message as it is now; mine are the reactions this person gave. */
  update(message, mine) {
    this.message = message;
    this.element.setAttribute("aria-label", `${this.#name}, ${message.deleted ? "deleted" : preview(message)}`);
    const drawn = JSON.stringify([message.text, message.cards, message.deleted]);
    if (drawn !== this.#drawn) {
      this.#drawn = drawn;
      this.#bubble.replaceChildren(...content(message, this.#handlers));
    }
    this.#head.replaceChildren(h("span", { class: "author" }, this.#name), this.#bot ? h("span", { class: "app" }, "App") : "", when(message.at));
    if (message.edited && !message.deleted) this.#head.append(h("span", { class: "edited" }, "Edited"));
    this.#toastLine.hidden = !this.#bot || !message.summary || message.deleted;
    this.#toastLine.replaceChildren(icon("bell"), h("span", { class: "sr-only" }, "Toast: "), message.summary ?? "");
    this.#showReactions(this.#bot && !message.deleted, mine);
  }

  /** redraw draws the content again, for another colour scheme. */
  redraw() {
    this.#bubble.replaceChildren(...content(this.message, this.#handlers));
  }

  #showReactions(possible, mine) {
    this.#bar.hidden = !possible;
    [...this.#bar.children].forEach((button, i) => button.setAttribute("aria-pressed", String(mine.has(reactions[i][0]))));
    this.#pills.hidden = !possible || mine.size === 0;
    this.#pills.replaceChildren(...reactions.filter(([type]) => mine.has(type)).map(([type, sign]) =>
      h("button", { type: "button", class: "pill", title: "Take back", "aria-label": `Take back ${type}`, onclick: () => this.#handlers.react(type, true) },
        sign, h("span", {}, "1"))));
  }

  // Links of the bot's own text are shown before they are followed, as those of cards are.
  #followLink(event) {
    const link = event.target.closest(".text a");
    if (!link) return;
    event.preventDefault();
    this.#handlers.open(link.href);
  }
}
