// Opens pages in a headless Chromium and fails on a console message of kind error, on any request besides the
// page itself, on anything serious that axe-core finds, and on a page that is wider than its window.
//
//   node test.js OUT PAGE.html…        (make test-browser; screenshots go to OUT)
const fs = require("fs");
const os = require("os");
const path = require("path");
const { createRequire } = require("module");
const { pathToFileURL } = require("url");

const modules = createRequire(path.join(process.env.BROWSER_MODULES || __dirname, "package.json"));
const { chromium } = modules("playwright-core");
const axe = fs.readFileSync(modules.resolve("axe-core/axe.min.js"), "utf8");

const flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];
const serious = ["serious", "critical"];

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
  await page.goto(url, { waitUntil: "load" });
  await page.waitForTimeout(200);
  page.off("console", tell); // from here on the console is this test's own
  const result = await page.evaluate(`${axe}; axe.run(document, { resultTypes: ["violations"] })`);
  for (const v of result.violations) {
    const line = `${v.impact}: ${v.id}: ${v.help} (${v.nodes.length}, first: ${v.nodes[0].target})`;
    if (serious.includes(v.impact)) report(`axe: ${line}`);
    else console.log(`  ${name} ${width} ${scheme}: ${line}`);
  }
  const wide = await page.evaluate("document.documentElement.scrollWidth");
  if (wide > width) report(`the page is ${wide} pixels wide`);
  page.off("pageerror", broken);
  context.off("request", asked);
}

async function main() {
  const [out, ...files] = process.argv.slice(2);
  if (!out || files.length === 0) throw new Error("usage: node test.js OUT PAGE.html…");
  fs.mkdirSync(out, { recursive: true });
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), "hymenoptera-browser-"));
  const faults = [];
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium", headless: true, args: flags,
  });
  try {
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
  } finally {
    await context.close();
    fs.rmSync(profile, { recursive: true, force: true });
  }
  for (const f of faults) console.error("FAULT " + f);
  console.log(`${files.length} pages, 390 and 1440 px, light and dark: ${faults.length} faults; screenshots in ${out}`);
  process.exitCode = faults.length ? 1 : 0;
}

main().catch((err) => {
  console.error(err);
  process.exitCode = 1;
});
