// Times in the reader's own zone and language; the server writes UTC.

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

/** localise rewrites every <time datetime> under root. */
export function localise(root = document) {
  for (const t of root.querySelectorAll("time[datetime]")) {
    const at = new Date(t.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    t.textContent = moment.format(at);
    t.title = full.format(at);
  }
}

/** clock is a time of today: 12:03. */
export const clock = (at) => new Intl.DateTimeFormat(undefined, { timeStyle: "short" }).format(at);

/** localInput is a moment as a field for date and time has it, in the reader's zone. */
export function localInput(at) {
  const two = (n) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** zoneOf names the reader's zone at a moment: "Europe/Berlin, UTC+01:00". */
export function zoneOf(at) {
  const minutes = -at.getTimezoneOffset();
  const two = (n) => String(n).padStart(2, "0");
  const offset = `UTC${minutes < 0 ? "−" : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
  return `${Intl.DateTimeFormat().resolvedOptions().timeZone}, ${offset}`;
}
