"use strict";
// The page sends requests only to the server that it came from.
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

// show puts one picture, with its answer or its error, before the others.
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
    text.append(element("h2", prediction.unsure ? `Unsure, perhaps ${prediction.top[0].class}` : prediction.top[0].class), element("p", name, "name muted"), list, lookButton(picture, img));
  }
  results.prepend(li);
}

let preprocessing = null; // of the network

// heat is a colour that grows lighter from 0 to 1, as in the report.
function heat(v) {
  const stops = [[20, 11, 52], [110, 20, 110], [201, 62, 75], [247, 146, 40], [252, 253, 170]];
  const at = v * (stops.length - 1), i = Math.min(Math.floor(at), stops.length - 2);
  return stops[i].map((c, k) => c + (at - i) * (stops[i + 1][k] - c));
}

// draw shows what the network saw of a picture, under the map.
async function draw(picture, map) {
  const seen = await createImageBitmap(picture, { imageOrientation: preprocessing.exif_rotate ? "from-image" : "none" });
  const side = Math.min(seen.width, seen.height) * preprocessing.crop / preprocessing.resize;
  const canvas = element("canvas"), small = element("canvas");
  canvas.width = canvas.height = 256;
  const g = canvas.getContext("2d");
  g.drawImage(seen, (seen.width - side) / 2, (seen.height - side) / 2, side, side, 0, 0, 256, 256);
  small.width = map.width;
  small.height = map.height;
  const pixels = new ImageData(map.width, map.height);
  map.values.forEach((v, i) => pixels.data.set([...heat(v), 255], 4 * i));
  small.getContext("2d").putImageData(pixels, 0, 0);
  g.globalAlpha = 0.55;
  g.drawImage(small, 0, 0, 256, 256);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "What the network saw: the lighter, the more it spoke for the answer");
  return canvas;
}

// lookButton replaces the picture in img by the map of where the network looked.
function lookButton(picture, img) {
  const button = element("button", "Where did it look?");
  button.type = "button";
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const answer = await ask("v1/predict?top=1&map=true", { method: "POST", body: picture });
      const canvas = await draw(picture, answer.predictions[0].map);
      img.replaceWith(canvas);
      button.replaceWith(element("p", "The lighter, the more it spoke for the answer.", "muted"));
    } catch (error) {
      button.disabled = false;
      say(error instanceof DOMException ? "This browser cannot show that picture." : error.message, true);
    }
  });
  return button;
}

// classify sends pictures one after the other, so that each has its own answer.
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
    preprocessing = m.preprocessing;
    byId("model").textContent = `${m.model} tells: ${shown}. Accuracy in validation ${percent(m.accuracy)}.${m.threshold ? ` It is unsure below ${percent(m.threshold)}.` : ""}`;
    byId("token-form").hidden = true;
    say("");
  } catch (error) {
    say(error.message, true);
  }
}

byId("choose").addEventListener("click", () => file.click());

// The camera, if the browser gives the page one: over HTTPS and on this machine.
const video = byId("video"), live = byId("live");
byId("camera").hidden = !navigator.mediaDevices;

function turnOff() {
  video.srcObject?.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
  live.hidden = true;
  byId("camera").hidden = false;
  byId("camera").focus();
}

byId("camera").addEventListener("click", async () => {
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch (error) {
    return say(`There is no camera that this page may use: ${error.message}`, true);
  }
  live.hidden = false;
  byId("camera").hidden = true;
  byId("take").focus();
});
byId("off").addEventListener("click", turnOff);
byId("take").addEventListener("click", () => {
  const canvas = element("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  canvas.toBlob((blob) => blob ? classify([new File([blob], "camera.jpg", { type: "image/jpeg" })]) : say("The camera shows nothing yet.", true), "image/jpeg", 0.92);
});

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
