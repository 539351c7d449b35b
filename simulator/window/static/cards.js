// Cards are drawn by Microsoft's renderer; this file feeds it and hands its clicks on.
// The libraries are classic scripts and therefore globals: AdaptiveCards, marked, DOMPurify.
import { h } from "./dom.js";
import { hostConfig } from "./hostconfig.js";

const { AdaptiveCard, HostConfig, SerializationContext, Versions } = globalThis.AdaptiveCards;

const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

// Inline HTML is text in Teams, so it is text here.
const parser = new globalThis.marked.Marked({
  breaks: true,
  renderer: { html: (token) => token.text.replace(/[&<>"]/g, (c) => escapes[c]) },
});

/** markdown answers sanitised HTML for a card's text or a bot's message. */
export function markdown(text) {
  return globalThis.DOMPurify.sanitize(parser.parse(text), {
    FORBID_ATTR: ["style", "class", "id"],
    FORBID_TAGS: ["style", "form", "input", "button", "img"],
  });
}

AdaptiveCard.onProcessMarkdown = (text, result) => {
  result.outputHtml = markdown(text);
  result.didProcess = true;
};

/** darkScheme tells whether this person's device asks for the dark theme. */
export const darkScheme = matchMedia("(prefers-color-scheme: dark)");

// Inputs of an answered card as the wire has them: strings only, empty ones left out (protocol D.6).
function inputsOf(action) {
  const inputs = {};
  for (const input of Object.values(action.getReferencedInputs() ?? {})) {
    if (!input.id || !input.isSet()) continue;
    inputs[input.id] = typeof input.value === "string" ? input.value : String(input.value);
  }
  return inputs;
}

function onAction(action, handlers) {
  switch (action.getJsonTypeName()) {
    case "Action.OpenUrl":
      handlers.open(action.url ?? "");
      return;
    case "Action.Submit":
    case "Action.Execute":
      handlers.click(action.toJSON(), inputsOf(action));
  }
}

/**
 * renderCard draws one card of a message. A bot may send the attachment's envelope or the bare card;
 * what is not an Adaptive Card, or cannot be drawn, is said in a sentence instead of an empty space.
 */
export function renderCard(payload, handlers) {
  const json = payload?.content ?? payload;
  if (json?.type !== "AdaptiveCard") {
    return h("div", { class: "card unknown" }, `A card of the kind “${payload?.contentType ?? json?.type ?? "unknown"}”, which this window does not draw.`);
  }
  const card = new AdaptiveCard();
  card.hostConfig = new HostConfig(hostConfig(darkScheme.matches ? "dark" : "light"));
  card.onExecuteAction = (action) => onAction(action, handlers);
  card.onAnchorClicked = (_element, anchor) => {
    handlers.open(anchor.href);
    return true;
  };
  const frame = h("div", { class: json.msteams?.width?.toLowerCase() === "full" ? "card full" : "card" });
  try {
    card.parse(json, new SerializationContext(Versions.latest));
    frame.append(card.render());
  } catch {
    frame.classList.add("unknown");
    frame.append("This card cannot be drawn. Teams would show nothing here.");
  }
  return frame;
}
