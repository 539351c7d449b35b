// Beside the search for an audience: lists that are uploaded or pasted, and saved audiences.
import { ask } from "./net.js";

const byID = (id) => document.getElementById(id);

/** send posts a form with a file; progress is called with percents. fetch cannot tell how far it is. */
function send(url, body, progress) {
  return new Promise((done, fail) => {
    const x = new XMLHttpRequest();
    x.open("POST", url);
    x.setRequestHeader("Accept", "application/json");
    x.responseType = "json";
    x.upload.addEventListener("progress", (e) => e.lengthComputable && progress((100 * e.loaded) / e.total));
    x.addEventListener("load", () => done({ status: x.status, data: x.response }));
    x.addEventListener("error", () => fail(new Error("The server cannot be reached. Nothing is lost; try again.")));
    x.send(body);
  });
}

/** press makes Enter in a field press a button: else it would save the draft. */
function press(field, button) {
  field.addEventListener("keydown", (e) => {
    if (e.key !== "Enter") return;
    e.preventDefault();
    button.click();
  });
}

/** lists readies the upload; chosen is called with the chip of a new list. */
function lists(chosen) {
  const [name, file, text, button, bar, problem, said] = ["list-name", "list-file", "list-text", "list-make", "list-progress", "list-problem", "list-said"].map(byID);
  byID("list-form").hidden = false;
  press(name, button);
  let busy = false;
  const wrong = (words) => {
    problem.textContent = words;
    name.toggleAttribute("aria-invalid", Boolean(words));
  };
  button.addEventListener("click", async () => {
    if (busy) return;
    wrong("");
    said.textContent = "";
    if (file.files[0]?.size > 10 * 1024 * 1024) {
      wrong("This is larger than 10 MB. Leave only the column with the addresses or IDs in it, or divide it.");
      return;
    }
    busy = true;
    const body = new FormData();
    body.append("name", name.value);
    body.append("text", text.value);
    if (file.files[0]) body.append("file", file.files[0]);
    bar.value = 0;
    bar.hidden = false;
    said.textContent = "Looking them up…";
    try {
      const { status, data } = await send("/audience/lists", body, (n) => {
        if (n < 100) bar.value = n;
        else bar.removeAttribute("value"); // uploaded: now the server looks them up
      });
      if (status !== 201) throw new Error(data?.error ?? "The list could not be stored right now.");
      chosen(data);
      const link = document.createElement("a");
      link.href = data.report;
      link.textContent = "See the report";
      link.target = "_blank";
      said.replaceChildren(`${data.said} `, link);
      name.value = text.value = file.value = "";
    } catch (e) {
      said.textContent = "";
      wrong(e.message);
    }
    bar.hidden = true;
    busy = false;
  });
}

/** saved readies the saved audiences; use is called with what one is made of. */
function saved(form, use) {
  const [select, take, name, keep, problem, said] = ["saved_audience", "use-saved", "saved_name", "save-audience", "saved-problem", "saved-said"].map(byID);
  press(name, keep);
  take.addEventListener("click", (e) => {
    e.preventDefault();
    const parts = select.selectedOptions[0]?.dataset.parts;
    if (!parts) return;
    use(JSON.parse(parts));
    said.textContent = "The audience is now that of the saved one.";
  });
  keep.addEventListener("click", async (e) => {
    e.preventDefault();
    const wrong = (words) => {
      problem.textContent = words;
      name.toggleAttribute("aria-invalid", Boolean(words));
    };
    wrong("");
    said.textContent = "";
    try {
      const { status, data } = await ask("/audience/saved", { method: "POST", form });
      if (status !== 201) throw new Error(data?.error ?? "The audience could not be saved right now.");
      const option = new Option(data.words, data.id);
      option.dataset.parts = data.parts;
      if (select.disabled) select.replaceChildren();
      select.add(option);
      select.value = data.id;
      select.disabled = take.disabled = false;
      name.value = "";
      said.textContent = data.said;
    } catch (err) {
      wrong(err.message);
    }
  });
}

/** shelf readies both; audience is the form's chips (choose.js). */
export function shelf(form, audience) {
  lists((chip) => audience.include(chip));
  saved(form, (parts) => audience.replace(parts));
}
