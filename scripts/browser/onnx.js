// Opens examples/onnx-web in a browser, gives it pictures and compares its answers with those of predict.
//
//   node onnx.js FOLDER PROGRAM CHECKPOINT PICTURE…      FOLDER has the page with its model, its classes and node_modules
const fs = require("fs");
const http = require("http");
const path = require("path");
const { execFileSync } = require("child_process");
const { withBrowser, run } = require("./browser");

const types = { ".html": "text/html", ".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm", ".json": "application/json" };

function serve(folder) {
  const server = http.createServer((request, response) => {
    const file = path.join(folder, new URL(request.url, "http://x").pathname);
    if (!fs.existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, { "Content-Type": types[path.extname(file)] || "application/octet-stream" });
    fs.createReadStream(file).pipe(response);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

run(async () => {
  const [folder, program, checkpoint, ...pictures] = process.argv.slice(2);
  const server = await serve(folder);
  await withBrowser(async (context) => {
    const page = await context.newPage();
    page.on("pageerror", (e) => console.error(String(e)));
    await page.goto(`http://127.0.0.1:${server.address().port}/index.html`);
    await page.waitForFunction(() => document.querySelector("pre").textContent === "ready", null, { timeout: 120000 });
    for (const picture of pictures) {
      await page.evaluate(() => { document.querySelector("pre").textContent = ""; });
      await page.setInputFiles("input", picture);
      await page.waitForFunction(() => document.querySelector("pre").textContent !== "", null, { timeout: 60000 });
      const lines = (await page.textContent("pre")).split("\n").map((line) => line.split(" "));
      const [got] = lines.sort((a, b) => b[1] - a[1]);
      const out = execFileSync(program, ["predict", "--checkpoint", checkpoint, "--json", picture], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
      const want = JSON.parse(out).top[0];
      console.log(`${path.basename(picture)}: ${got.join(" ")} in the browser, ${want.class} ${(100 * want.probability).toFixed(2)} % by predict`);
      if (got[0] !== want.class || Math.abs(got[1] - 100 * want.probability) > 1) throw new Error(`${picture}: the answers differ`);
    }
  });
  server.close();
});
