/* Colours code whose author named its language; everything else is fine without a script. */
for (const code of document.querySelectorAll("pre code[class*='language-']")) {
    const name = /language-(\S+)/.exec(code.className)[1].toLowerCase();
    if (window.hljs && hljs.getLanguage(name))
        hljs.highlightElement(code);
}
