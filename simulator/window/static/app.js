// Puts the window together: the person is in the address (/teams?person=<EntraID>), so that it can be
// linked, reloaded and walked back to.
import { h, icon } from "./dom.js";
import { Chat } from "./chat.js";
import { People, addressOf } from "./people.js";

const root = document.getElementById("chat");
const frame = document.getElementById("frame");
const offline = document.getElementById("offline");
let chat = null;
let shown = null;

const people = new People({
  pick: (entraID) => go(addressOf(entraID)),
  onConnection: (alive, words) => {
    offline.hidden = alive && !words;
    if (words) offline.textContent = alive ? words : "The simulator does not answer. Is it still running? Trying again…";
  },
});

const personInAddress = () => new URLSearchParams(location.search).get("person") ?? "";

function go(address) {
  if (address !== location.pathname + location.search) history.pushState(null, "", address);
  show();
}

function welcome() {
  document.title = "Simulated Teams of Contoso";
  return h("div", { class: "empty welcome" },
    icon("chat"),
    h("h2", {}, "Pick a person"),
    h("p", { class: "sub" }, "You will see Teams as this person sees it: read what the bot sent, press the buttons of its cards, write to it, block it, remove it."),
    h("p", { class: "sub" }, "No messages anywhere yet? Send a broadcast, and switch on “With chat” to find who got it."));
}

function show() {
  const entraID = personInAddress();
  if (entraID === shown) return;
  const before = shown;
  shown = entraID;
  chat?.close();
  chat = null;
  frame.dataset.view = entraID ? "chat" : "people";
  people.select(entraID);
  if (!entraID) {
    root.removeAttribute("aria-busy");
    root.replaceChildren(welcome());
    if (before) people.focus(before);
    return;
  }
  chat = new Chat(root, entraID, (person) => {
    people.select(person.entra_id); // the address may name a person by user principal name
    people.refresh();
  });
  chat.open();
  // On a narrow screen the list is gone now, the keyboard must not stay in it.
  if (before !== null && getComputedStyle(document.getElementById("people")).display === "none") root.focus();
}

document.addEventListener("click", (event) => {
  const back = event.target.closest("[data-back]");
  if (!back || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go("/teams");
});
addEventListener("popstate", show);

show();
people.load();
