// What a person can do with the bot's app in Teams: the buttons in the head of the chat.
import { h, icon } from "./dom.js";

const labels = {
  read: ["read", "Mark as read"],
  install: ["install", "Install app"],
  remove: ["remove", "Remove app"],
  block: ["block", "Block bot"],
  unblock: ["block", "Unblock bot"],
  "delete-chat": ["clear", "Delete chat"],
};

/** ChatTools shows only what makes sense in the person's state; run(verb) answers a promise. */
export class ChatTools {
  #buttons = {};
  /** On a narrow screen the tools hide behind this button. */
  toggle = h("button", { type: "button", class: "icon-button tools-toggle", "aria-label": "What this person can do", "aria-expanded": "false", "aria-controls": "tools" }, icon("more"));
  element = h("div", { id: "tools", class: "tools", role: "group", "aria-label": "What this person can do" });

  constructor(run) {
    this.toggle.addEventListener("click", () => this.#open(this.toggle.getAttribute("aria-expanded") !== "true"));
    for (const [verb, [sign, words]] of Object.entries(labels)) {
      const button = h("button", { type: "button", class: "button tool", "data-verb": verb }, icon(sign), h("span", {}, words));
      button.addEventListener("click", async () => {
        button.setAttribute("aria-busy", "true");
        await run(verb);
        button.removeAttribute("aria-busy");
        // A button that is gone (block became unblock) hands the keyboard to its successor.
        if (button.hidden) this.element.querySelector("button:not([hidden])")?.focus();
      });
      this.#buttons[verb] = button;
      this.element.append(button);
    }
  }

  #open(open) {
    this.toggle.setAttribute("aria-expanded", String(open));
    this.element.classList.toggle("open", open);
  }

  show(person, hasMessages) {
    const possible = {
      read: person.unread > 0,
      install: !person.installed && !person.blocked,
      remove: person.installed,
      block: person.installed && !person.blocked,
      unblock: person.blocked,
      "delete-chat": hasMessages,
    };
    for (const [verb, button] of Object.entries(this.#buttons)) button.hidden = !possible[verb];
  }
}
