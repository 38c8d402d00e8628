// Opens pages in a headless Chromium. Fails on a console message of kind error, any request besides the page
// itself, anything serious that axe-core finds, a page that is wider than its window, and any fault that
// explore.js finds.
//
//   node test.js OUT PAGE.html…        (make test-browser; screenshots go to OUT)
const fs = require("fs");
const path = require("path");
const { pathToFileURL } = require("url");
const browser = require("./browser");
const { explore } = require("./explore");

async function look(context, page, file, name, width, scheme, faults) {
  const url = pathToFileURL(path.resolve(file)).href;
  const report = (what) => faults.push(`${name} at ${width} px, ${scheme}: ${what}`);
  const tell = (message) => message.type() === "error" && report(`console: ${message.text()}`);
  const broken = (error) => report(`script: ${error.message}`);
  const asked = (request) => {
    if (request.url() !== url && !request.url().startsWith("data:")) report(`request: ${request.url()}`);
  };
  page.on("console", tell);
  page.on("pageerror", broken);
  context.on("request", asked);
  await page.setViewportSize({ width, height: 900 });
  await page.emulateMedia({ colorScheme: scheme });
  const began = Date.now();
  await page.goto(url, { waitUntil: "load" });
  const opened = Date.now() - began;
  if (width === 1440 && scheme === "light") console.log(`  ${name}: ${(fs.statSync(file).size / 1e6).toFixed(2)} MB, open after ${(opened / 1000).toFixed(1)} s`);
  await page.waitForTimeout(200);
  page.off("console", tell); // from here on the console is this test's own
  for (const v of await browser.violations(page)) {
    if (v.serious) report(`axe: ${v.line}`);
    else console.log(`  ${name} ${width} ${scheme}: ${v.line}`);
  }
  const wide = await browser.width(page);
  if (wide > width) report(`the page is ${wide} pixels wide`);
  if (scheme === "light") await explore(page, report);
  page.off("pageerror", broken);
  context.off("request", asked);
}

async function main() {
  const [out, ...files] = process.argv.slice(2);
  if (!out || files.length === 0) throw new Error("usage: node test.js OUT PAGE.html…");
  fs.mkdirSync(out, { recursive: true });
  const faults = [];
  await browser.withBrowser(async (context) => {
    const page = await context.newPage();
    for (const file of files) {
      const name = path.basename(path.dirname(path.resolve(file))) + "-" + path.basename(file, ".html");
      for (const width of [390, 1440]) {
        for (const scheme of ["light", "dark"]) {
          await look(context, page, file, name, width, scheme, faults);
          await page.screenshot({ path: path.join(out, `${name}-${width}-${scheme}.png`), fullPage: true });
        }
      }
    }
  });
  for (const f of faults) console.error("FAULT " + f);
  console.log(`${files.length} pages, 390 and 1440 px, light and dark: ${faults.length} faults; screenshots in ${out}`);
  process.exitCode = faults.length ? 1 : 0;
}

browser.run(main);
