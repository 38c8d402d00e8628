"use strict";
// Shows the pictures behind the numbers of the page: by class, by answer, one by one. The page is complete without this
// script.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const element = (name, text, className) => {
    const e = document.createElement(name);
    if (text) e.textContent = text;
    if (className) e.className = className;
    return e;
  };
  const percent = (p) => (100 * p).toFixed(1) + " %";

  // An image is [file, true class, predicted class, confidence, thumbnail or -1].
  const section = byId("explore");
  if (section) {
    const step = 60; // pictures that are shown at once
    const kind = byId("explore-kind"), truth = byId("explore-true"), guess = byId("explore-predicted"), order = byId("explore-order");
    const list = byId("explore-list"), count = byId("explore-count"), more = byId("explore-more");
    const dialog = byId("explore-dialog"), picture = byId("explore-picture"), words = byId("explore-words");
    let found = [], shown = 0, open = -1;

    for (const select of [truth, guess]) {
      select.append(new Option("every class", "-1"));
      data.classes.forEach((name, i) => select.append(new Option(name, i)));
    }

    const answer = ([, t, p, c]) => `${t === p ? "right" : "wrong"}: ${data.classes[p]}, ${percent(c)}${t === p ? "" : `; it is ${data.classes[t]}`}`;

    function look(at) { // opens a picture
      open = at;
      const [file, , , , thumb] = found[at];
      picture.hidden = thumb < 0;
      if (thumb >= 0) picture.src = "data:image/jpeg;base64," + data.thumbs[thumb];
      picture.alt = file;
      words.replaceChildren(element("strong", answer(found[at])), element("br"), element("bdi", file), element("br"),
        element("span", `${at + 1} of ${found.length}`, "muted"));
      if (!dialog.open) dialog.showModal();
    }

    function add() { // shows the next pictures
      const first = shown;
      shown = Math.min(shown + step, found.length);
      for (let i = first; i < shown; i++) {
        const image = found[i], button = element("button", "", image[1] === image[2] ? "right" : "wrong");
        button.type = "button";
        if (image[4] >= 0) {
          const img = element("img");
          img.alt = "";
          img.loading = "lazy";
          img.src = "data:image/jpeg;base64," + data.thumbs[image[4]];
          button.append(img);
        }
        button.append(element("span", answer(image)), element("bdi", image[0], "muted"));
        button.addEventListener("click", () => look(i));
        const li = element("li");
        li.append(button);
        list.append(li);
      }
      more.hidden = shown === found.length;
      more.textContent = `Show ${Math.min(step, found.length - shown)} more`;
      return list.children[first];
    }

    function choose() { // by the form
      const t = Number(truth.value), p = Number(guess.value);
      found = data.images.filter((image) => (kind.value === "all" || (kind.value === "right") === (image[1] === image[2])) &&
        (t < 0 || image[1] === t) && (p < 0 || image[2] === p));
      found.sort((a, b) => order.value === "least" ? a[3] - b[3] : b[3] - a[3]);
      const bare = found.filter((image) => image[4] < 0).length;
      count.textContent = `${found.length} of ${data.images.length} images${bare ? `, ${bare} of them without a picture in this file` : ""}`;
      list.replaceChildren();
      shown = 0;
      add();
    }

    for (const control of [kind, truth, guess, order]) control.addEventListener("change", choose);
    more.addEventListener("click", () => add().firstChild.focus());
    byId("explore-close").addEventListener("click", () => dialog.close());
    byId("explore-before").addEventListener("click", () => look((open + found.length - 1) % found.length));
    byId("explore-after").addEventListener("click", () => look((open + 1) % found.length));
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") byId("explore-before").click();
      if (event.key === "ArrowRight") byId("explore-after").click();
    });
    dialog.addEventListener("close", () => list.children[open]?.firstChild.focus());

    const cell = (t, p) => {
      kind.value = "all";
      truth.value = t;
      guess.value = p;
      choose();
      byId("h-explore").focus();
      section.scrollIntoView();
    };
    for (const e of document.querySelectorAll("[data-cell]")) {
      const [t, p] = e.dataset.cell.split(" ");
      e.addEventListener("click", () => cell(t, p));
      if (e.localName === "button") e.disabled = false;
    }
    section.hidden = false;
    choose();
  }

  // The values under the pointer.
  for (const figure of document.querySelectorAll("figure[data-curve]")) {
    const svg = figure.querySelector("svg"), [low, high, left, right, width] = svg.dataset.x.split(" ").map(Number);
    const value = element("p", "", "under muted");
    value.setAttribute("aria-hidden", "true"); // the table has the numbers
    figure.append(value);
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect(), x = (event.clientX - box.left) / box.width * width;
      const epoch = Math.round(low + (x - left) / (right - left) * (high - low));
      value.textContent = data.history.filter((p) => p[0] === epoch)
        .map((p) => `${p[1]} ${p[figure.dataset.curve === "loss" ? 2 : 3].toFixed(4)}`).join(", ");
      if (value.textContent) value.prepend(`epoch ${epoch}: `);
    });
    svg.addEventListener("pointerleave", () => { value.textContent = ""; });
  }
})();
