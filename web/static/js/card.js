// The card as Teams draws it: Microsoft's renderer, fed with what the server built.
// The libraries are classic scripts and therefore globals.
import { hostConfig } from "./hostconfig.js";

const { AdaptiveCard, HostConfig, SerializationContext, Versions } = globalThis.AdaptiveCards;
const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

// Inline HTML is text in Teams, so it is text here.
const parser = new globalThis.marked.Marked({
  breaks: true,
  renderer: { html: (token) => token.text.replace(/[&<>"]/g, (c) => escapes[c]) },
});

AdaptiveCard.onProcessMarkdown = (text, result) => {
  result.outputHtml = globalThis.DOMPurify.sanitize(parser.parse(text), {
    FORBID_ATTR: ["style", "class", "id"],
    FORBID_TAGS: ["style", "form", "input", "button", "img"],
  });
  result.didProcess = true;
};

function go(url) {
  try {
    const to = new URL(url);
    if (to.protocol === "https:" || to.protocol === "http:") window.open(to, "_blank", "noopener,noreferrer");
  } catch {
    // not an address yet: somebody is still typing it
  }
}

function draw(frame, json, theme) {
  const card = new AdaptiveCard();
  card.hostConfig = new HostConfig(hostConfig(theme));
  card.onExecuteAction = (action) => {
    if (action.getJsonTypeName() === "Action.OpenUrl") go(action.url ?? "");
  };
  card.onAnchorClicked = (_element, anchor) => {
    go(anchor.href);
    return true;
  };
  card.parse(json, new SerializationContext(Versions.latest));
  frame.replaceChildren(card.render());
}

const dark = matchMedia("(prefers-color-scheme: dark)");

/** cards draws the page's card now and whenever the theme or the card changes. */
export function cards(teams) {
  const frame = teams.querySelector("[data-card]");
  let json = JSON.parse(teams.querySelector("[data-card-json]").textContent);
  const theme = () => teams.dataset.theme ?? (dark.matches ? "dark" : "light");
  const redraw = () => {
    if (!json) return;
    try {
      draw(frame, json, theme());
    } catch {
      frame.textContent = "This card cannot be drawn. Teams would show nothing here.";
    }
  };
  dark.addEventListener("change", redraw);
  redraw();
  return {
    theme,
    show(next) {
      json = next;
      redraw();
    },
    dress(name) {
      teams.dataset.theme = name;
      redraw();
    },
  };
}
