// The rows of the card's buttons: more, fewer, numbered anew.

/**
 * rows readies the list; changed is called when a row comes or goes. Whatever else has a row for each
 * button is told with others.added() and others.dropped(i).
 */
export function rows(changed, others) {
  const place = document.getElementById("button-rows");
  const most = Number(document.getElementById("buttons").dataset.most);
  const more = document.getElementById("add-button");
  const blank = document.getElementById("button-row");

  function number() {
    [...place.children].forEach((row, i) => {
      for (const el of row.querySelectorAll("[id], [for], [data-problem], [aria-describedby]")) {
        for (const name of ["id", "for", "data-problem", "aria-describedby"]) {
          const old = el.getAttribute(name);
          if (old) el.setAttribute(name, old.replace(/^buttons\.\d+/, `buttons.${i}`));
        }
      }
      const drop = row.querySelector("button");
      drop.value = `drop-button:${i}`;
      drop.setAttribute("aria-label", `Remove button ${i + 1}`);
    });
    more.hidden = place.children.length >= most;
  }

  function add(title = "", url = "") {
    const row = blank.content.firstElementChild.cloneNode(true);
    row.querySelector('[name="button_title"]').value = title;
    row.querySelector('[name="button_url"]').value = url;
    place.append(row);
    number();
    others.added();
    return row;
  }

  more.addEventListener("click", (e) => {
    e.preventDefault();
    add().querySelector("input").focus();
  });
  place.addEventListener("click", (e) => {
    const drop = e.target.closest("button");
    if (!drop) return;
    e.preventDefault();
    const row = drop.closest(".button-row");
    const next = row.nextElementSibling ?? row.previousElementSibling;
    const at = [...place.children].indexOf(row);
    row.remove();
    number();
    others.dropped(at);
    (next?.querySelector("input") ?? more).focus();
    changed();
  });
  number();
  return {
    fill(titles, urls) {
      while (place.children.length) {
        place.lastElementChild.remove();
        others.dropped(place.children.length);
      }
      titles.forEach((t, i) => add(t, urls[i]));
      number();
    },
  };
}
