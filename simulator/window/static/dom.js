// Small helpers to build elements without innerHTML: what people wrote stays text.

/** h makes an element: h("button", {class: "x", onclick: f, "aria-label": "…"}, "text", child). */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name === "class" ? "class" : name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const svgNamespace = "http://www.w3.org/2000/svg";

// Outlines on a 20×20 grid, drawn for this window.
const icons = {
  back: "M12 4l-6 6 6 6M6 10h11",
  block: "M10 2.500a7.500 7.500 0 1 0 0 15a7.500 7.500 0 1 0 0-15M4.700 4.700l10.600 10.600",
  remove: "M4 5.500h12M8 5.500v-2h4v2M5.500 5.500l.800 11h7.400l.800-11M8.500 8.500v5M11.500 8.500v5",
  install: "M10 3v9M6.500 8.500L10 12l3.500-3.500M4 16h12",
  chat: "M3 4.500h14v9H9l-4 3.500v-3.500H3z",
  clear: "M5 5l10 10M15 5L5 15",
  read: "M2.500 10.500l3.500 3.500 7-8M9.500 13.500l.500.500 7-8",
  more: "M4.500 10h.010M10 10h.010M15.500 10h.010",
  send: "M3 3.500l14.500 6.500L3 16.500l2.500-6.500zM5.500 10H11",
  react: "M10 2.500a7.500 7.500 0 1 0 0 15a7.500 7.500 0 1 0 0-15M7 8v.500M13 8v.500M6.800 12q3.200 3 6.400 0",
  bell: "M10 3a4.500 4.500 0 0 0-4.500 4.500c0 4-1.500 5-1.500 6h12c0-1-1.500-2-1.500-6A4.500 4.500 0 0 0 10 3M8.500 16.500q1.500 1 3 0",
};

/** icon draws one of the outlines above; it is decoration, the text next to it says what it means. */
export function icon(name) {
  const svg = document.createElementNS(svgNamespace, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(svgNamespace, "path");
  path.setAttribute("d", icons[name]);
  svg.append(path);
  return svg;
}

/** avatar is the round picture of a person (initials) or the six-cornered one Teams gives to bots. */
export function avatar(name, seed) {
  const words = name.split(/\s+/).filter(Boolean);
  const initials = (words[0]?.[0] ?? "?") + (words.length > 1 ? words[words.length - 1][0] : "");
  return h("span", { class: `avatar tint${seed % 8}`, "aria-hidden": "true" }, initials.toUpperCase());
}

export function botAvatar() {
  return h("span", { class: "avatar bot", "aria-hidden": "true" }, icon("bell"));
}

const timeFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const fullFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** when is a <time> that shows the hour and tells the whole date on hover. */
export function when(at) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return h("time", {}, "");
  return h("time", { datetime: at, title: fullFormat.format(date) }, timeFormat.format(date));
}

/** dayOf names the day of a message the way a chat's divider does. */
export function dayOf(at, now = new Date()) {
  const date = new Date(at);
  const midnight = (d) => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
  const days = Math.round((midnight(now) - midnight(date)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return dayFormat.format(date);
}

/**
 * reconcile makes the children of parent exactly nodes, in order, without touching those that are
 * already at their place: a card that is being filled in keeps its focus and its inputs.
 */
export function reconcile(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.childNodes]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, i) => {
    if (parent.childNodes[i] !== node) parent.insertBefore(node, parent.childNodes[i] ?? null);
  });
}
