// The simulator's JSON API of a recipient's Teams, and the event stream of one person.

const root = "/_simulator/people";

/** ApiError carries a sentence for the person at the screen. */
export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function request(path, options) {
  let response;
  try {
    response = await fetch(root + path, { ...options, headers: { Accept: "application/json", ...options?.headers } });
  } catch (cause) {
    if (cause.name === "AbortError") throw cause;
    throw new ApiError("The simulator does not answer. Is it still running?", 0);
  }
  const text = await response.text();
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    // Not JSON: an error page or plain text; the status decides below.
  }
  if (response.ok) return body;
  throw new ApiError(sentence(body) ?? `The simulator refused this (${response.status}).`, response.status);
}

function sentence(body) {
  for (const part of [body?.error?.message, body?.error, body?.detail, body?.message, body?.title]) {
    if (typeof part === "string" && part !== "") return part;
  }
  return null;
}

export const pageSize = 50;

export function people({ q = "", after = 0, withChat = false, signal } = {}) {
  const query = new URLSearchParams({ q, limit: String(pageSize) });
  if (after) query.set("after", String(after));
  if (withChat) query.set("with_chat", "1");
  return request(`?${query}`, { signal });
}

export function person(entraID) {
  return request(`/${encodeURIComponent(entraID)}`);
}

/** act does what a person can do in Teams: say, click, install, remove, block, unblock, … */
export function act(entraID, verb, body = {}) {
  return request(`/${encodeURIComponent(entraID)}/${verb}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

const pollEvery = 3_000;

/**
 * watch calls changed() whenever something happens in that person's chat, and returns a function that
 * stops it. While the event stream is down the person is polled; on reconnecting it calls changed()
 * once, because events in between are lost.
 */
export function watch(entraID, changed) {
  let poll = 0;
  const source = new EventSource(`${root}/${encodeURIComponent(entraID)}/events`);
  source.addEventListener("changed", changed);
  source.addEventListener("open", () => {
    if (poll) changed();
    clearInterval(poll);
    poll = 0;
  });
  source.addEventListener("error", () => {
    if (!poll) poll = setInterval(changed, pollEvery);
  });
  return () => {
    source.close();
    clearInterval(poll);
  };
}
