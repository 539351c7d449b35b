// One message of the chat: who, when, what, and what may be done with it.
import { h, icon, avatar, botAvatar, when } from "./dom.js";
import { markdown, renderCard } from "./cards.js";

// The reactions Teams sends to bots under their names on the wire (protocol D.5).
export const reactions = [
  ["like", "👍"],
  ["heart", "❤️"],
  ["laugh", "😆"],
  ["surprised", "😮"],
  ["sad", "😢"],
  ["angry", "😡"],
];

/** preview is what Teams puts on the toast for a message: plain words, without Markdown's signs. */
export function preview(message) {
  if (message.summary) return message.summary;
  if (message.text) return message.from === "bot" ? botText(message.text).textContent.trim() : message.text;
  return message.cards?.length ? "Sent a card" : "New message";
}

function reactionBar(message, handlers) {
  const mine = new Set(message.reactions ?? []);
  return h("div", { class: "reaction-bar", role: "group", "aria-label": "React to this message" },
    ...reactions.map(([type, sign]) =>
      h("button", {
        type: "button", class: "reaction", "aria-label": type, title: type, "aria-pressed": String(mine.has(type)),
        onclick: () => handlers.react(type, mine.has(type)),
      }, sign)));
}

function reactionPills(message, handlers) {
  const mine = reactions.filter(([type]) => message.reactions?.includes(type));
  if (mine.length === 0) return null;
  return h("div", { class: "pills" }, ...mine.map(([type, sign]) =>
    h("button", { type: "button", class: "pill", title: "Take back", "aria-label": `Take back ${type}`, onclick: () => handlers.react(type, true) }, sign, h("span", {}, "1"))));
}

function botText(text) {
  const box = h("div", { class: "text" });
  box.innerHTML = markdown(text);
  return box;
}

function content(message, handlers) {
  if (message.deleted) return [h("p", { class: "gone" }, "This message has been deleted.")];
  const parts = [];
  if (message.text) parts.push(message.from === "bot" ? botText(message.text) : h("p", { class: "text plain" }, message.text));
  for (const card of message.cards ?? []) parts.push(renderCard(card, handlers));
  if (parts.length === 0) parts.push(h("p", { class: "gone" }, "An empty message."));
  return parts;
}

/**
 * messageElement draws a message. handlers: open(address), click(action, inputs), react(type, removed).
 * Links of the bot's own text go through handlers.open as those of cards do.
 */
export function messageElement(message, person, handlers) {
  const bot = message.from === "bot";
  const name = bot ? "Bot" : person.name;
  const bubble = h("div", { class: "bubble" }, ...content(message, handlers));
  bubble.addEventListener("click", (event) => {
    const link = event.target.closest(".text a");
    if (!link) return;
    event.preventDefault();
    handlers.open(link.href);
  });
  const toastLine = bot && message.summary && !message.deleted
    ? h("p", { class: "toast-line" }, icon("bell"), h("span", { class: "sr-only" }, "Toast: "), message.summary)
    : null;
  const reactable = bot && !message.deleted;
  return h("article", { class: bot ? "message from-bot" : "message from-person", "aria-label": `${name}, ${preview(message)}`, "data-message": message.id },
    bot ? botAvatar() : avatar(person.name, person.number),
    h("div", { class: "column" },
      h("header", {}, h("span", { class: "author" }, name), when(message.at), message.edited && !message.deleted && h("span", { class: "edited" }, "Edited")),
      toastLine,
      h("div", { class: "with-reactions" }, bubble, reactable && reactionBar(message, handlers)),
      reactable && reactionPills(message, handlers)));
}
