// Reactions a person gave. Teams tells bots of them but keeps them itself, so does this window: they
// live in the tab's session storage, unless the simulator lists them with the message.

/** The reactions Teams sends to bots, under their names on the wire (protocol D.5). */
export const reactions = [
  ["like", "👍"],
  ["heart", "❤️"],
  ["laugh", "😆"],
  ["surprised", "😮"],
  ["sad", "😢"],
  ["angry", "😡"],
];

const keyOf = (entraID, messageID) => `reactions ${entraID} ${messageID}`;

/** reactionsOf answers the set of reaction names this person gave to the message. */
export function reactionsOf(entraID, message) {
  if (Array.isArray(message.reactions)) return new Set(message.reactions);
  const kept = sessionStorage.getItem(keyOf(entraID, message.id));
  return new Set(kept ? kept.split(" ") : []);
}

/** keepReaction remembers that a reaction was given or taken back. */
export function keepReaction(entraID, message, type, removed) {
  const mine = reactionsOf(entraID, message);
  if (removed) mine.delete(type);
  else mine.add(type);
  if (mine.size > 0) sessionStorage.setItem(keyOf(entraID, message.id), [...mine].join(" "));
  else sessionStorage.removeItem(keyOf(entraID, message.id));
}
