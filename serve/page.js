"use strict";
// The page asks the server it came from and nobody else.
const byId = (id) => document.getElementById(id);
const drop = byId("drop"), file = byId("file"), results = byId("results"), state = byId("status");
const most = 5; // classes shown of a picture
let token = "";

const gone = "The server does not answer. Is it still running?";

// ask returns the answer's JSON, or throws an error with a text for people.
async function ask(path, options = {}) {
  const headers = token ? { Authorization: "Bearer " + token } : {};
  let response, answer;
  try {
    response = await fetch(path, { ...options, headers });
    answer = await response.json();
  } catch {
    throw new Error(gone);
  }
  if (response.status === 401) {
    byId("token-form").hidden = false;
    byId("token").focus();
  }
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

function say(text, bad = false) {
  state.textContent = text;
  state.classList.toggle("bad", bad);
}

function element(name, text, className) {
  const e = document.createElement(name);
  if (text) e.textContent = text;
  if (className) e.className = className;
  return e;
}

const percent = (p) => (100 * p).toFixed(1) + " %";

// show puts one picture with its answer, or what is wrong with it, before the others.
function show(picture, name, prediction, error) {
  const li = element("li"), text = element("div");
  const img = element("img");
  img.alt = "";
  img.src = URL.createObjectURL(picture);
  img.onload = () => URL.revokeObjectURL(img.src);
  img.onerror = () => img.replaceWith(element("span", "no picture", "none"));
  li.append(img, text);
  if (error) {
    text.append(element("h2", "No answer"), element("p", name, "name muted"), element("p", error, "bad"));
  } else {
    const list = element("dl");
    for (const guess of prediction.top) {
      const dt = element("dt", guess.class), meter = element("meter");
      meter.value = guess.probability;
      meter.setAttribute("aria-hidden", "true");
      dt.append(meter);
      list.append(dt, element("dd", percent(guess.probability)));
    }
    text.append(element("h2", prediction.unsure ? `Unsure, perhaps ${prediction.top[0].class}` : prediction.top[0].class), element("p", name, "name muted"), list);
  }
  results.prepend(li);
}

// classify sends pictures one after the other, so that each has an answer of its own.
async function classify(pictures) {
  let bad = 0;
  for (const [i, picture] of pictures.entries()) {
    const name = picture.name || "pasted picture";
    say(`Looking at ${name}${pictures.length > 1 ? ` (${i + 1} of ${pictures.length})` : ""}…`);
    try {
      const answer = await ask("v1/predict?top=" + most, { method: "POST", body: picture });
      show(picture, name, answer.predictions[0]);
      if (pictures.length === 1) say(`${name}: ${answer.predictions[0].unsure ? "unsure, perhaps " : ""}${answer.predictions[0].top[0].class}, ${percent(answer.predictions[0].top[0].probability)}`);
    } catch (error) {
      bad++;
      show(picture, name, null, error.message);
      if (error.message === gone || pictures.length === 1) return say(error.message, true);
    }
  }
  if (pictures.length > 1) say(`${pictures.length - bad} of ${pictures.length} pictures classified.`, bad > 0);
}

async function introduce() {
  try {
    const m = await ask("v1/model");
    const shown = m.classes.length > 6 ? `${m.classes.length} classes` : m.classes.join(", ");
    byId("model").textContent = `${m.model} tells: ${shown}. Accuracy in validation ${percent(m.accuracy)}.`;
    byId("token-form").hidden = true;
    say("");
  } catch (error) {
    say(error.message, true);
  }
}

file.addEventListener("change", async () => {
  const pictures = [...file.files];
  file.value = ""; // the same file may be chosen again
  await classify(pictures);
});
byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  token = byId("token").value;
  introduce();
});
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  if (event.dataTransfer.files.length) classify([...event.dataTransfer.files]);
  else say("That was no file: drop a picture.", true);
});
document.addEventListener("paste", (event) => {
  if (event.target.id === "token") return;
  if (event.clipboardData.files.length) classify([...event.clipboardData.files]);
  else say("There is no picture on the clipboard.", true);
});
introduce();
