// The rings: how many people are in each is counted after the page, because that may ask Microsoft.
const place = document.querySelector("[data-count]");

async function count() {
  try {
    const answer = await fetch(place.dataset.count, { headers: { Accept: "text/html" }, credentials: "same-origin" });
    if (!answer.ok) throw new Error(answer.status);
    const counted = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const ring of place.querySelectorAll("li[data-name]")) {
      const fresh = [...counted.querySelectorAll("li[data-name]")].find((li) => li.dataset.name === ring.dataset.name);
      ring.querySelector("[data-people]").replaceWith(document.importNode(fresh.querySelector("[data-people]"), true));
      const problem = fresh.querySelector(".problem");
      if (problem && !ring.querySelector(".problem")) ring.querySelector("[data-people]").after(document.importNode(problem, true));
    }
  } catch {
    for (const p of place.querySelectorAll("[data-people]")) p.textContent = "The people could not be counted. Reload the page to try again.";
  }
}
if (place) count();
