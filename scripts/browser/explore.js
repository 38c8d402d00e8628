// Goes through a report by keyboard and mouse: a cell of the confusion matrix, the pictures behind it, one picture, the curves.
// Each fault is a text.
async function explore(page, report) {
  const want = (ok, what) => ok || report(`explore: ${what}`);
  const shown = () => page.locator("#explore-list > li").count();
  if (await page.locator("#explore").count() === 0) return;
  want(await page.locator("#explore").isVisible(), "the pictures are hidden");

  const cell = page.locator("button[data-cell]").first();
  if (await cell.count()) {
    const n = Number(await cell.textContent());
    await cell.focus();
    await page.keyboard.press("Enter");
    want(await page.evaluate(() => document.activeElement.id) === "h-explore", "Enter on a cell does not lead to its pictures");
    want(await shown() === Math.min(n, 60), `a cell of ${n} shows ${await shown()} pictures`);
    want((await page.locator("#explore-count").textContent()).startsWith(`${n} of `), `the count is not ${n}`);
  }

  const square = page.locator("svg.map [data-cell]").first();
  if (await square.count()) {
    await square.click();
    want(await shown() > 0, "a square of the map shows no picture");
  }

  await page.selectOption("#explore-kind", "all");
  await page.selectOption("#explore-true", "-1");
  await page.selectOption("#explore-predicted", "-1");
  const all = Number((await page.locator("#explore-count").textContent()).split(" ")[0]);
  want(await shown() === Math.min(all, 60), `of ${all} images ${await shown()} are shown`);
  const more = page.locator("#explore-more");
  if (all > 60) {
    await more.focus();
    await page.keyboard.press("Enter");
    want(await shown() === Math.min(all, 120), "Enter on more does not show more");
    want(await page.evaluate(() => document.activeElement.closest("#explore-list") !== null), "more loses the focus");
  } else {
    want(await more.isHidden(), "there are no more to show");
  }

  const first = page.locator("#explore-list button").first();
  await first.focus();
  await page.keyboard.press("Enter");
  const words = page.locator("#explore-words"), before = await words.textContent();
  want(await page.locator("#explore-dialog").isVisible(), "Enter on a picture does not open it");
  want(before.endsWith(`1 of ${all}`), `the first picture is called ${before}`);
  await page.keyboard.press("ArrowRight");
  want(all === 1 || await words.textContent() !== before, "the right arrow does not show the next");
  await page.keyboard.press("Escape");
  want(!await page.locator("#explore-dialog").isVisible(), "Escape does not close the picture");
  want(await page.evaluate(() => document.activeElement.closest("#explore-list") !== null), "Escape loses the focus");

  for (const figure of await page.locator("figure[data-curve]").all()) {
    await figure.locator("svg").hover();
    want(/^epoch \d+: .*\d/.test(await figure.locator(".under").textContent()), "no values under the pointer");
  }
}

module.exports = { explore };
