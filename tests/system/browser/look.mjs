/*
 * Looks at pages in a real browser and reports what a person would complain about, as JSON.
 *
 *     node look.mjs < {"base": "http://127.0.0.1:8080", "paths": ["/"], "axe": "axe.min.js",
 *                      "views": ["phone-dark", ...] or null, "exclude": ["CSS selector", ...],
 *                      "disable": ["rule of axe", ...],
 *                      "shots": "DIR" or null, "full": true or false}
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

/* What goes wrong on a page is put into now.report. */
async function guard(page, now) {
    await page.route(url => !url.href.startsWith(job.base + "/") && url.protocol !== "data:", route => {
        const request = route.request();
        if (request.resourceType() === "image")
            return route.fulfill({ contentType: "image/gif", body: DOT });
        now.report.foreign.push(request.url());
        return route.abort();
    });
    page.on("console", message => {
        const own = message.location().url === job.base + now.report.path; /* an error page's status */
        if (["error", "warning"].includes(message.type()) && !own)
            now.report.console.push(message.text());
    });
    page.on("pageerror", error => now.report.console.push(String(error)));
    page.on("response", response => {
        if (response.status() >= 400 && new URL(response.url()).pathname !== now.report.path)
            now.report.console.push(`${response.status()} ${response.url()}`);
    });
}

async function violations(page) {
    await page.evaluate(axe);
    const rules = Object.fromEntries((job.disable ?? []).map(name => [name, { enabled: false }]));
    const found = await page.evaluate(
        ({ exclude, rules }) => window.axe.run({ exclude }, { rules, resultTypes: ["violations"] }),
        { exclude: job.exclude.map(selector => [selector]), rules });
    return found.violations.flatMap(v =>
        v.nodes.map(node => `${v.id}: ${node.html.slice(0, 160)} (${node.any[0]?.message ?? v.help})`));
}

/* What the theme promises, as the browser computed it. */
function facts() {
    const style = element => element ? getComputedStyle(element) : {};
    const text = document.querySelector(".post-body p");
    return {
        inter: document.fonts.check("16px 'Inter Variable'"),
        family: style(document.body).fontFamily,
        ground: style(document.documentElement).backgroundColor,
        measure: text ? text.getBoundingClientRect().width / parseFloat(style(text).fontSize) : 0,
        coloured: document.querySelectorAll("code .hljs-keyword").length,
        wide: [...document.querySelectorAll("pre, .table-responsive")].filter(e =>
            e.scrollWidth > e.clientWidth && style(e).overflowX !== "auto").length,
        spilt: [...document.querySelectorAll(":is(blockquote, li) > :is(pre, .table-responsive)")].filter(e =>
            e.getBoundingClientRect().left < e.parentElement.getBoundingClientRect().left ||
            e.getBoundingClientRect().right > e.parentElement.getBoundingClientRect().right).length,
    };
}

/* The first Tab shows the skip link, Enter leads past the navigation. */
async function skipLink(page) {
    await page.keyboard.press("Tab");
    const shown = await page.evaluate(() =>
        document.activeElement.matches(".skip-link") &&
        document.activeElement.getBoundingClientRect().top >= 0);
    await page.keyboard.press("Enter");
    return shown && await page.evaluate(() => document.activeElement.matches("main"));
}

async function lookAt(page, report) {
    await page.goto(job.base + report.path, { waitUntil: "load" });
    await page.evaluate(() => document.fonts.ready.then(() => true));
    report.sideways = await page.evaluate(() =>
        document.documentElement.scrollWidth - document.documentElement.clientWidth);
    report.shift = await page.evaluate(() => window.shifted);
    report.facts = await page.evaluate(facts);
    if (job.shots)
        await page.screenshot({ path: `${job.shots}/${report.path.replaceAll(/\W+/g, "_")}.${report.view}.png`,
                                fullPage: !!job.full });
    report.axe = await violations(page);
    report.skip = await skipLink(page);
}

async function lookAtAll(browser, view) {
    const context = await browser.newContext({ viewport: { width: view.width, height: view.height },
                                               colorScheme: view.colorScheme,
                                               isMobile: !!view.isMobile, serviceWorkers: "block" });
    /* One page for all, which keeps its process. */
    const page = await context.newPage();
    const now = {};
    await guard(page, now);
    await page.addInitScript(watchShifts);
    for (const path of job.paths) {
        now.report = { path, view: view.name, foreign: [], console: [] };
        await lookAt(page, now.report);
        console.log(JSON.stringify(now.report));
    }
    await context.close();
}

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
try {
    for (const view of VIEWS)
        if (!job.views || job.views.includes(view.name))
            await lookAtAll(browser, view);
} finally {
    await browser.close();
}
