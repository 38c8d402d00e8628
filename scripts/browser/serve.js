// Uses the page of hymenoptera serve as a person does, in a headless Chromium: chooses, drops and pastes pictures, by
// keyboard only, a file that is not a picture, a token, and a server that goes away.
//
//   node serve.js OUT PROGRAM CHECKPOINT PICTURE      (make test-browser; screenshots go to OUT)
const assert = require("assert");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { spawn } = require("child_process");
const browser = require("./browser");

const children = []; // to be stopped after a failure too

// start serves a checkpoint on a free port.
function start(program, ...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ["serve", "--addr", "127.0.0.1:0", "--device", "cpu", ...args], { stdio: ["ignore", "ignore", "pipe"] });
    children.push(child);
    let log = "";
    child.stderr.on("data", (data) => {
      log += data;
      const url = log.match(/on (http:\/\/\S+)/);
      if (url) resolve({ child, url: url[1] });
    });
    child.on("exit", (code) => reject(new Error(`serve ended with ${code}: ${log}`)));
  });
}

const stop = (server) => new Promise((resolve) => server.child.on("exit", resolve) && server.child.kill("SIGTERM"));

// give puts a picture on the page by an event that carries files: "drop" or "paste".
async function give(page, kind, picture, name) {
  const bytes = fs.readFileSync(picture).toString("base64");
  await page.evaluate(([kind, bytes, name]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, { type: "image/jpeg" }));
    const event = kind === "drop" ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
      : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true });
    document.body.dispatchEvent(event);
  }, [kind, bytes, name]);
}

// until waits until an element's text includes wanted.
async function until(page, selector, wanted) {
  const end = Date.now() + 20000;
  for (;;) {
    const text = await page.locator(selector).innerText();
    if (text.includes(wanted)) return;
    if (Date.now() > end) throw new Error(`${selector} says "${text}", want "${wanted}" in it`);
    await page.waitForTimeout(20);
  }
}

const says = (page, text) => until(page, "#status", text);

// answers waits for n results and returns the newest one's text.
async function answers(page, n) {
  await page.locator("#results > li").nth(n - 1).waitFor({ timeout: 20000 });
  return (await page.locator("#results > li").first().innerText()).replace(/\s+/g, " ");
}

async function use(page, server, out, picture, faults) {
  await page.goto(server.url);
  await until(page, "#model", "resnet18 tells: ants, bees");
  const noPicture = path.join(os.tmpdir(), "hymenoptera-no-picture.jpg");
  fs.writeFileSync(noPicture, "hello");

  await page.setInputFiles("#file", picture);
  assert.match(await answers(page, 1), /^(ants|bees) .*%/, "a chosen file");
  await page.setInputFiles("#file", [picture, noPicture, picture]);
  await answers(page, 4);
  await says(page, "2 of 3 pictures classified");
  await give(page, "drop", picture, "dropped.jpg");
  assert.match(await answers(page, 5), /dropped\.jpg/, "a dropped file");
  await give(page, "paste", picture, "pasted.jpg");
  assert.match(await answers(page, 6), /pasted\.jpg/, "a pasted picture");
  await page.setInputFiles("#file", noPicture);
  assert.match(await answers(page, 7), /No answer .*not an image of a known format/, "a file that is no picture");
  fs.rmSync(noPicture);

  // With only the keyboard: Tab reaches the button that chooses files, and Enter opens it.
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("Tab");
  assert.strictEqual(await page.evaluate(() => document.activeElement.id), "choose", "the first stop of Tab");
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.keyboard.press("Enter")]);
  await chooser.setFiles(picture);
  await answers(page, 8);

  // Where the network looked, and a picture of the camera, by keyboard.
  const look = page.getByRole("button", { name: "Where did it look?" });
  const before = await look.count();
  await look.first().focus();
  await page.keyboard.press("Enter");
  await page.locator("#results canvas").waitFor({ timeout: 20000 });
  assert.strictEqual(await look.count(), before - 1, "the button goes when the map is there");
  await page.locator("#camera").focus();
  await page.keyboard.press("Enter");
  for (const end = Date.now() + 20000; ; await page.waitForTimeout(20)) {
    if (await page.evaluate(() => document.getElementById("video").videoWidth > 0 && document.activeElement.id === "take")) break;
    assert.ok(Date.now() < end, "the camera shows a picture");
  }
  await page.keyboard.press("Enter");
  assert.match(await answers(page, 9), /camera\.jpg/, "a picture of the camera");
  await page.locator("#off").click();
  assert.ok(await page.locator("#live").isHidden(), "the camera is off");
  assert.deepStrictEqual(faults, [], "errors on the console");

  for (const width of [390, 1440]) {
    for (const scheme of ["light", "dark"]) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme: scheme });
      await page.screenshot({ path: path.join(out, `serve-${width}-${scheme}.png`) });
      const bad = (await browser.violations(page)).filter((v) => v.serious).map((v) => v.line);
      assert.deepStrictEqual(bad, [], "axe-core");
      assert.ok((await browser.width(page)) <= width, "wider than the window");
    }
  }

  await stop(server);
  await page.setInputFiles("#file", picture);
  assert.match(await answers(page, 10), /No answer .*The server does not answer\. Is it still running\?/, "a server that is gone");
}

// locked uses a server that requires a token.
async function locked(page, server, picture) {
  await page.goto(server.url);
  await says(page, "Authorization: Bearer");
  await page.fill("#token", "wrong");
  await page.keyboard.press("Enter");
  await says(page, "Authorization: Bearer");
  await page.fill("#token", "secret");
  await page.keyboard.press("Enter");
  await until(page, "#model", "resnet18 tells");
  await page.setInputFiles("#file", picture);
  assert.match(await answers(page, 1), /%/, "with a token");
  await stop(server);
}

async function main() {
  const [out, program, checkpoint, picture] = process.argv.slice(2);
  if (!picture) throw new Error("usage: node serve.js OUT PROGRAM CHECKPOINT PICTURE");
  fs.mkdirSync(out, { recursive: true });
  const tokenFile = path.join(out, "token");
  fs.writeFileSync(tokenFile, "secret\n");
  try {
    await everything(program, checkpoint, out, picture, tokenFile);
  } finally {
    for (const child of children) child.kill("SIGKILL");
  }
  console.log("serve's page: chosen, dropped, pasted, by keyboard, no picture, server gone, token: as it should be");
}

async function everything(program, checkpoint, out, picture, tokenFile) {
  await browser.withBrowser(async (context) => {
    const page = await context.newPage();
    const faults = [];
    page.on("pageerror", (error) => faults.push(error.message));
    // Chromium itself writes a line for each answer other than 200. This test expects such answers.
    page.on("console", (m) => m.type() === "error" && !m.text().startsWith("Failed to load resource") && faults.push(m.text()));
    await use(page, await start(program, "--checkpoint", checkpoint), out, picture, faults);
    await locked(page, await start(program, "--checkpoint", checkpoint, "--token-file", tokenFile), picture);
  });
}

browser.run(main);
