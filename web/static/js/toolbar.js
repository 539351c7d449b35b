// The few Markdown helps above the text field. Undo stays the browser's own.

function type(area, text) {
  area.focus();
  if (!document.execCommand("insertText", false, text)) {
    area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function wrap(area, mark, sample) {
  const { selectionStart: from, selectionEnd: to, value } = area;
  const chosen = value.slice(from, to);
  const n = mark.length;
  if (chosen && value.slice(from - n, from) === mark && value.slice(to, to + n) === mark) {
    area.setSelectionRange(from - n, to + n);
    type(area, chosen);
    area.setSelectionRange(from - n, to - n);
    return;
  }
  type(area, mark + (chosen || sample) + mark);
  area.setSelectionRange(from + n, from + n + (chosen || sample).length);
}

function lines(area, mark) {
  const { value } = area;
  const from = value.lastIndexOf("\n", area.selectionStart - 1) + 1;
  const end = value.indexOf("\n", area.selectionEnd);
  const to = end < 0 ? value.length : end;
  const old = value.slice(from, to).split("\n");
  const strip = /^(#{1,6} |[-*] |\d+\. |> )/;
  const on = old.every((l, i) => l.startsWith(mark(i)));
  const next = old.map((l, i) => (on ? l.slice(mark(i).length) : mark(i) + l.replace(strip, ""))).join("\n");
  area.setSelectionRange(from, to);
  type(area, next);
  area.setSelectionRange(from, from + next.length);
  if (old.length === 1) area.setSelectionRange(from + next.length, from + next.length);
}

function link(area) {
  const { selectionStart: from, selectionEnd: to, value } = area;
  const chosen = value.slice(from, to);
  if (/^https?:\/\/\S+$/.test(chosen)) {
    type(area, `[text](${chosen})`);
    area.setSelectionRange(from + 1, from + 5);
    return;
  }
  const text = chosen || "text";
  type(area, `[${text}](https://)`);
  const at = from + text.length + 3;
  area.setSelectionRange(at, at + 8);
}

const tools = {
  bold: (a) => wrap(a, "**", "bold"),
  italic: (a) => wrap(a, "_", "italic"),
  heading: (a) => lines(a, () => "# "),
  bullets: (a) => lines(a, () => "- "),
  numbers: (a) => lines(a, (i) => `${i + 1}. `),
  quote: (a) => lines(a, () => "> "),
  link,
};

/** toolbar readies the buttons; arrow keys move between them, Tab passes by. */
export function toolbar(bar, area) {
  const buttons = [...bar.querySelectorAll("button")];
  bar.hidden = false;
  buttons.forEach((b, i) => {
    b.tabIndex = i === 0 ? 0 : -1;
    b.addEventListener("click", () => tools[b.dataset.tool](area));
  });
  bar.addEventListener("keydown", (e) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    const at = buttons.indexOf(document.activeElement);
    if (!step || at < 0) return;
    e.preventDefault();
    buttons[at].tabIndex = -1;
    const next = buttons[(at + step + buttons.length) % buttons.length];
    next.tabIndex = 0;
    next.focus();
  });
  area.addEventListener("keydown", (e) => {
    const tool = (e.ctrlKey || e.metaKey) && !e.altKey && !e.shiftKey && { b: "bold", i: "italic", k: "link" }[e.key.toLowerCase()];
    if (!tool) return;
    e.preventDefault();
    tools[tool](area);
  });
}
