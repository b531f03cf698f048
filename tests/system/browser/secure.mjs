/*
 * Visits one address over HTTPS and reports, as JSON, what the browser thinks of its security.
 *
 *     node secure.mjs < {"url": "https://localhost:8443/"}
 *
 * Whom the browser trusts is what NSS has in $HOME/.pki/nssdb beside its own list.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { chromium } = createRequire(import.meta.url)("playwright-core");

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
               "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const { url } = JSON.parse(readFileSync(0, "utf8"));

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
try {
    const page = await browser.newPage();
    const report = { console: [], error: null, state: null, details: null, title: null };
    const session = await page.context().newCDPSession(page);
    session.on("Security.visibleSecurityStateChanged", event => {
        report.state = event.visibleSecurityState;
    });
    session.on("Network.responseReceived", ({ response }) => {
        if (response.url === page.url() || !report.details)
            report.details = response.securityDetails ?? null;
    });
    await session.send("Network.enable");
    await session.send("Security.enable");
    page.on("console", message => report.console.push(message.text()));
    try {
        await page.goto(url, { waitUntil: "load" });
        report.address = page.url();
        report.title = await page.title();
    } catch (error) {
        report.error = String(error);
    }
    console.log(JSON.stringify(report));
} finally {
    await browser.close();
}
