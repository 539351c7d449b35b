// Progress by server-sent events; the page's other parts are read anew when they change.
import { dialogs } from "./dialogs.js";
import { localise } from "./time.js";

const calm = 5000; // ms between two looks at the reasons
const speech = 30000; // ms between two announcements to screen readers

/** renew reads this page again and swaps its regions; an open dialog is left in peace. */
export async function renew(...names) {
  if (document.querySelector("dialog[open]")) {
    document.addEventListener("close", () => renew(...names), { capture: true, once: true });
    return;
  }
  const answer = await fetch(location.pathname + location.search, { headers: { Accept: "text/html" }, credentials: "same-origin" });
  if (!answer.ok) return;
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll("[data-region]")) {
    const fresh = next.querySelector(`[data-region="${old.dataset.region}"]`);
    if (!fresh || (names.length && !names.includes(old.dataset.region)) || fresh.isEqualNode(old)) continue;
    const focused = old.contains(document.activeElement);
    old.replaceWith(document.importNode(fresh, true));
    if (focused) document.getElementById("main").focus({ preventScroll: true });
  }
  localise();
  dialogs();
}

function put(place, p) {
  for (const [name, text] of Object.entries(p.texts)) {
    for (const el of document.querySelectorAll(`[data-text="${name}"]`)) {
      if (el.textContent !== text) el.textContent = text;
      el.closest("[data-part]")?.toggleAttribute("data-none", text === "0");
    }
  }
  for (const b of p.bars) {
    const rect = place.querySelector(`[data-bar="${b.name}"]`);
    rect?.setAttribute("x", b.from);
    rect?.setAttribute("width", b.width);
  }
  place.querySelector("[data-percent]").value = Number(p.percent);
}

/** follow keeps the live part of a page up to date while somebody looks at it. */
export function follow(place) {
  if (!place || "liveOver" in place.dataset) return;
  let source, over, stamp = place.dataset.liveStamp, ends = null, looked = 0, spoke = 0;

  const seen = (p) => {
    put(place, p);
    const now = Date.now();
    const fresh = p.stamp ?? p.state;
    if (fresh !== stamp) {
      stamp = fresh;
      document.querySelector("[data-said]")?.remove(); // what was said at the click is history
      renew();
    } else if (ends !== null && p.ends !== ends && now - looked > calm) {
      looked = now;
      renew("outcomes");
    }
    ends = p.ends;
    if (now - spoke > speech) {
      spoke = now;
      place.querySelector("[data-announce]").textContent = `${p.texts.line} ${p.texts.speed ?? ""}`;
    }
  };
  const open = () => {
    if (over || document.hidden || (source && source.readyState !== EventSource.CLOSED)) return;
    source = new EventSource(place.dataset.live);
    source.addEventListener("error", () => {
      const speed = place.querySelector('[data-text="speed"]');
      if (speed && !over) speed.textContent = "These figures stand still: the connection is lost. Trying again…";
    });
    source.addEventListener("progress", (e) => seen(JSON.parse(e.data)));
    source.addEventListener("last", (e) => {
      over = true;
      source.close();
      seen(JSON.parse(e.data));
      renew();
    });
  };
  // A hidden tab gives its connection back: browsers allow few per server.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) source?.close();
    else open();
  });
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", open);
  setInterval(open, 5000); // after a server's restart the browser itself has given up
  open();
}
