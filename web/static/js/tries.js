// The failed tries at a person, read when somebody unfolds them.
import { ask } from "./net.js";
import { localise } from "./time.js";

document.addEventListener("toggle", async (e) => {
  const fold = e.target;
  if (!fold.open || !fold.dataset.tries) return;
  const place = fold.querySelector("div");
  const address = fold.dataset.tries;
  delete fold.dataset.tries; // once is enough
  try {
    const { status, data } = await ask(address);
    if (status !== 200) throw new Error(data?.error);
    place.innerHTML = data.html; // rendered and escaped by the server
    localise(place);
  } catch (err) {
    place.textContent = `They could not be read. ${err.message ?? ""} Fold this and open it again.`;
    fold.dataset.tries = address;
  }
}, true);
