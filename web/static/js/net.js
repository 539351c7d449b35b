// Fetching from our own server, with the three ways it can go wrong told apart.

/** Offline is thrown when nobody answered, or somebody answered for a server that is away. */
export class Offline extends Error {}

/**
 * ask fetches JSON. It answers {status, data}; the caller looks at the status. A form is sent as the
 * browser would send it, so that one reader on the server suffices.
 */
export async function ask(url, { method = "GET", form, signal } = {}) {
  let answer;
  try {
    answer = await fetch(url, {
      method, signal, credentials: "same-origin", redirect: "manual",
      headers: { Accept: "application/json" },
      body: form && new URLSearchParams(new FormData(form)),
    });
  } catch (e) {
    if (e.name === "AbortError") throw e;
    throw new Offline("The server cannot be reached.");
  }
  if (answer.status >= 500 || answer.type === "opaqueredirect") throw new Offline("The server has trouble.");
  let data = null;
  try {
    data = await answer.json();
  } catch {
    // an answer without a body says enough by its status
  }
  return { status: answer.status, data };
}

/** later answers a function that runs fn once calls have ceased for ms, unless it is cancelled. */
export function later(fn, ms) {
  let timer;
  const call = (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => fn(...args), ms);
  };
  call.cancel = () => clearTimeout(timer);
  return call;
}
