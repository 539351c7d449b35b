// The Set-up page: the checks are made while a stream is open, and each tells when it has ended.
const place = document.querySelector("[data-setup]");
const form = document.querySelector("[data-setup-form]");
const line = document.querySelector("[data-setup-line]");
const bar = document.querySelector("[data-setup-progress]");
const button = form.querySelector("button");
let source = null;

function over(words) {
  source.close();
  source = null;
  button.removeAttribute("aria-disabled");
  button.textContent = "Check again";
  bar.removeAttribute("data-running");
  for (const row of place.querySelectorAll("[data-waiting]")) row.removeAttribute("data-waiting");
  if (words) line.textContent = words;
}

function seen(now) {
  if (line.textContent !== now.line) line.textContent = now.line;
  bar.value = now.done;
  for (const [name, html] of Object.entries(now.rows)) {
    const row = place.querySelector(`[data-check="${name}"]`);
    if (!row?.hasAttribute("data-waiting")) continue;
    row.innerHTML = html;
    row.removeAttribute("data-waiting");
  }
}

function check() {
  if (source) return;
  // What was found before stays readable until something newer is known.
  for (const row of place.querySelectorAll("[data-check]")) row.setAttribute("data-waiting", "");
  button.setAttribute("aria-disabled", "true"); // a button that is truly disabled would lose the focus
  bar.value = 0;
  bar.setAttribute("data-running", "");
  source = new EventSource(place.dataset.setup);
  source.addEventListener("progress", (e) => seen(JSON.parse(e.data)));
  source.addEventListener("last", (e) => {
    seen(JSON.parse(e.data));
    over();
  });
  source.addEventListener("error", () => {
    if (source) over("The connection was lost before everything was checked. Check again.");
  });
}

form.addEventListener("submit", (e) => {
  e.preventDefault();
  check();
});
addEventListener("pagehide", () => source?.close());
if ("setupAuto" in place.dataset) check();
