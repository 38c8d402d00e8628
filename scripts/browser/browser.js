// Code that the browser tests share: a headless Chromium, and axe-core.
const fs = require("fs");
const os = require("os");
const path = require("path");
const { createRequire } = require("module");

const modules = createRequire(path.join(process.env.BROWSER_MODULES || __dirname, "package.json"));
const { chromium } = modules("playwright-core");
const axe = fs.readFileSync(modules.resolve("axe-core/axe.min.js"), "utf8");

const flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];

// withBrowser calls use with a fresh browser's context.
async function withBrowser(use) {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), "hymenoptera-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium", headless: true, args: flags,
  });
  try {
    await use(context);
  } finally {
    await context.close();
    fs.rmSync(profile, { recursive: true, force: true });
  }
}

// violations returns the violations that axe-core finds on a page: for each a line, and whether it is serious.
async function violations(page) {
  const result = await page.evaluate(`${axe}; axe.run(document, { resultTypes: ["violations"] })`);
  return result.violations.map((v) => ({
    serious: ["serious", "critical"].includes(v.impact),
    line: `${v.impact}: ${v.id}: ${v.help} (${v.nodes.length}, first: ${v.nodes[0].target})`,
  }));
}

// width returns how wide a page is, in pixels.
const width = (page) => page.evaluate("document.documentElement.scrollWidth");

// run calls main, and exits with an error if it fails.
function run(main) {
  main().catch((err) => {
    console.error(err);
    process.exitCode = 1;
  });
}

module.exports = { withBrowser, violations, width, run };
