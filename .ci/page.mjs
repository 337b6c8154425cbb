// Looks at pages of `knrender report` in a real browser: nothing wider than the window, no error on the console, and no finding of
// axe-core, at three widths, light and dark. Usage: page.mjs PAGE...
import { chromium } from "playwright-core";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: quiet });
let wrong = 0;
for (const file of process.argv.slice(2)) {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [400, 1000, 1600]) {
      const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
      const said = [];
      page.on("console", (message) => message.type() === "error" && said.push(message.text()));
      page.on("pageerror", (error) => said.push(String(error)));
      await page.goto("file://" + resolve(file));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      if (wide) said.push("it is wider than the window");
      await page.addScriptTag({ content: axe });
      const { violations } = await page.evaluate(() => axe.run());
      said.push(...violations.map((v) => `${v.impact}: ${v.id}: ${v.nodes[0].html}`));
      console.log(`${file} at ${width}, ${colorScheme}: ${said.length ? said.join("; ") : "fine"}`);
      wrong += said.length;
      await page.close();
    }
  }
}
await browser.close();
process.exit(wrong ? 1 : 0);
