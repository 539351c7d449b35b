// The box at the bottom: what a person types to the bot.
import { h, icon } from "./dom.js";

/** Compose sends on Enter; Shift+Enter makes a new line. send(text) answers a promise. */
export class Compose {
  #box = h("textarea", { id: "compose", rows: "1", maxlength: "28000", placeholder: "Type a message to the bot", "aria-describedby": "compose-hint" });
  #button = h("button", { type: "submit", class: "icon-button send", "aria-label": "Send", title: "Send" }, icon("send"));
  #send;
  element;

  constructor(send) {
    this.#send = send;
    this.element = h("form", { class: "compose" },
      h("label", { class: "sr-only", for: "compose" }, "Message to the bot"),
      this.#box,
      this.#button,
      h("span", { id: "compose-hint", class: "sr-only" }, "Enter sends, Shift and Enter make a new line."));
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    this.#box.addEventListener("input", () => this.#grow());
  }

  /** allow opens or closes the box; why is shown in it when it is closed. */
  allow(allowed, why) {
    this.#box.disabled = this.#button.disabled = !allowed;
    this.#box.placeholder = allowed ? "Type a message to the bot" : why;
  }

  async #submit() {
    const text = this.#box.value.trim();
    if (text === "") return;
    this.#box.value = "";
    this.#grow();
    // What could not be sent comes back, unless the next message is being typed already.
    if (!(await this.#send(text)) && this.#box.value === "") this.#box.value = text;
    this.#grow();
  }

  #grow() {
    this.#box.rows = Math.min(6, this.#box.value.split("\n").length);
  }
}
