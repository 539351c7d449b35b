// The page of a broadcast: its card, its head-count, its progress.
import { cards } from "./card.js";
import { follow, renew } from "./live.js";
import { ask } from "./net.js";
import { localise } from "./time.js";

// A refused move is told at the move's address, which cannot be read again.
const { address } = document.querySelector("[data-address]").dataset;
if (location.pathname !== address) history.replaceState(null, "", address);

document.querySelectorAll("[data-teams]").forEach(cards);
follow(document.querySelector("[data-live]"));

// Corrections and recalls have pages of their own; here a look now and then is enough.
setInterval(() => {
  const place = document.querySelector("[data-renew]");
  if (place && !document.hidden && !document.querySelector("dialog[open]")) renew(place.dataset.renew);
}, 5000);

// Counting groups asks Microsoft, so it comes after the page.
const reach = document.querySelector("[data-reach]");
async function count() {
  if (!reach.querySelector(".reach-count")) reach.textContent = "Counting…";
  try {
    const { status, data } = await ask(reach.dataset.reach);
    if (status !== 200) throw new Error(data?.error);
    reach.innerHTML = data.html; // rendered and escaped by the server
    if (data.known) {
      for (const el of document.querySelectorAll("[data-headcount]")) el.textContent = data.noun;
    }
    localise(reach);
  } catch (e) {
    reach.textContent = `The people could not be counted. ${e.message ?? ""}`;
  }
}
if (reach) count();
