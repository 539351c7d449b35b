// Channels as everybody in a team sees them: what the bot posted, the newest first.
import { h, when, reconcile } from "./dom.js";
import { markdown, renderCard, darkScheme } from "./cards.js";
import { toast } from "./feedback.js";

const refreshEvery = 2_000;
const root = document.getElementById("channels");
const offline = document.getElementById("offline");
const drawn = new Map();

const handlers = {
  open: (address) => open(address, "_blank", "noopener"),
  click: () => toast("Nobody in particular reads here, so this window presses no button in a channel."),
};

function words(post) {
  const box = h("div", { class: "text" });
  box.innerHTML = markdown(post.text);
  return box;
}

function contentOf(post) {
  if (post.deleted) return [h("p", { class: "gone" }, "This message has been deleted.")];
  return [post.text && words(post), ...post.cards.map((card) => renderCard(card, handlers))];
}

function postOf(post) {
  return h("article", { class: post.reply ? "thread reply" : "thread", "data-message": post.id },
    h("p", {}, post.reply ? "A reply of Fanfare’s, " : "Fanfare, ", when(post.at), post.edited && " · edited"), ...contentOf(post));
}

function standing(team) {
  if (team.deleted) return "The team was deleted.";
  if (!team.installed) return "The bot is not in this team.";
  return team.archived ? "The team is archived." : "";
}

function channelOf(team, channel) {
  const posts = channel.posts.toReversed();
  return h("section", { "data-channel": channel.id },
    h("h2", {}, `${team.name} › ${channel.name || "General"}`),
    h("p", { class: "sub" }, [standing(team), posts.length === 0 && "Nothing was posted here."].filter(Boolean).join(" ")),
    ...posts.map(postOf));
}

// A channel is drawn again only when something in it is another than before.
function draw(teams) {
  const scheme = darkScheme.matches;
  reconcile(root, teams.flatMap((team) => team.channels.map((channel) => {
    const signature = JSON.stringify([team.name, standing(team), channel, scheme]);
    let known = drawn.get(channel.id);
    if (known?.signature !== signature) {
      known = { signature, element: channelOf(team, channel) };
      drawn.set(channel.id, known);
    }
    return known.element;
  })));
  root.removeAttribute("aria-busy");
}

async function refresh() {
  try {
    const response = await fetch("/_simulator/teams", { headers: { Accept: "application/json" } });
    offline.hidden = response.ok;
    if (response.ok) draw((await response.json()).teams);
  } catch {
    offline.hidden = false;
  }
  setTimeout(refresh, refreshEvery);
}

refresh();
