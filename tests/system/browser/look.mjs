/*
 * Looks at pages in a real browser and reports what a person would complain about, as JSON.
 *
 *     node look.mjs < {"base": "http://127.0.0.1:8080", "paths": ["/"], "axe": "axe.min.js",
 *                      "shots": "DIR" or null, "exclude": ["CSS selector", ...]}
 *
 * Every path is looked at on a desktop and on a phone, light and dark. What is asked from other
 * hosts is never fetched: pictures that an author links are answered with a tiny one, all else
 * fails and is reported.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { chromium } = createRequire(import.meta.url)("playwright-core");

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
               "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const VIEWS = [
    { name: "desktop-light", width: 1280, height: 900, colorScheme: "light" },
    { name: "desktop-dark", width: 1280, height: 900, colorScheme: "dark" },
    { name: "phone-light", width: 390, height: 844, colorScheme: "light", isMobile: true },
    { name: "phone-dark", width: 390, height: 844, colorScheme: "dark", isMobile: true },
];
const DOT = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64");

const job = JSON.parse(readFileSync(0, "utf8"));
const axe = readFileSync(job.axe, "utf8");

/* Counts layout shifts from the first paint on. */
function watchShifts() {
    window.shifted = 0;
    new PerformanceObserver(list => {
        for (const entry of list.getEntries())
            window.shifted += entry.hadRecentInput ? 0 : entry.value;
    }).observe({ type: "layout-shift", buffered: true });
}

async function guard(page, report) {
    await page.route(url => !url.href.startsWith(job.base + "/") && url.protocol !== "data:", route => {
        const request = route.request();
        if (request.resourceType() === "image")
            return route.fulfill({ contentType: "image/gif", body: DOT });
        report.foreign.push(request.url());
        return route.abort();
    });
    page.on("console", message => {
        if (message.type() === "error" || message.type() === "warning")
            report.console.push(message.text());
    });
    page.on("pageerror", error => report.console.push(String(error)));
    page.on("response", response => {
        if (response.status() >= 400 && new URL(response.url()).pathname !== report.path)
            report.console.push(`${response.status()} ${response.url()}`);
    });
}

async function violations(page) {
    await page.evaluate(axe);
    const found = await page.evaluate(exclude => window.axe.run({ exclude }),
                                      job.exclude.map(selector => [selector]));
    return found.violations.flatMap(v =>
        v.nodes.map(node => `${v.id}: ${node.html.slice(0, 160)} (${node.any[0]?.message ?? v.help})`));
}

async function lookAt(browser, path, view) {
    const context = await browser.newContext({ viewport: { width: view.width, height: view.height },
                                               colorScheme: view.colorScheme, isMobile: !!view.isMobile,
                                               bypassCSP: false, serviceWorkers: "block" });
    const page = await context.newPage();
    const report = { path, view: view.name, foreign: [], console: [] };
    await guard(page, report);
    await page.addInitScript(watchShifts);
    await page.goto(job.base + path, { waitUntil: "load" });
    await page.evaluate(() => document.fonts.ready.then(() => true));
    report.sideways = await page.evaluate(() =>
        document.documentElement.scrollWidth - document.documentElement.clientWidth);
    report.shift = await page.evaluate(() => window.shifted);
    if (job.shots)
        await page.screenshot({ path: `${job.shots}/${path.replaceAll(/\W+/g, "_")}.${view.name}.png`,
                                fullPage: !!job.full });
    report.axe = await violations(page);
    await context.close();
    return report;
}

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
try {
    for (const path of job.paths)
        for (const view of VIEWS)
            if (!job.views || job.views.includes(view.name))
                console.log(JSON.stringify(await lookAt(browser, path, view)));
} finally {
    await browser.close();
}
