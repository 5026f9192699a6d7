// Shows on a page that `semflow view` serves what a run under way has finished, and offers to load what is new.
(() => {
  "use strict";
  const RUNNING_MS = 1500, IDLE_MS = 5000, SHOWN = 6;
  const own = decodeURIComponent(location.pathname.replace(/^\//, "").replace(/(^|\/)$/, "$1index.html"));
  const pages = document.getElementById("live-pages");
  const style = document.createElement("style");
  style.textContent = `
#semflow-live { position: fixed; left: 16px; bottom: 16px; z-index: 7; width: min(360px, calc(100vw - 32px)); padding: 12px 16px;
  font-size: .8125rem; line-height: 1.45; color: var(--ink, #1b1d21); background: var(--card, #fff); border: 1px solid var(--line, #ddd);
  border-radius: 10px; box-shadow: var(--shadow, 0 8px 30px rgb(0 0 0 / .2)); }
#semflow-live[hidden] { display: none; }
#semflow-live details, #semflow-live summary { margin: 0; padding: 0; border: 0; background: none; }
#semflow-live summary { cursor: pointer; font-weight: 600; }
#semflow-live progress { width: 100%; height: 6px; margin: 8px 0 4px; accent-color: var(--accent, #2c6e99); }
#semflow-live p, #semflow-live li { margin: 2px 0; color: var(--soft, #5a5f68); overflow-wrap: anywhere; }
#semflow-live ul { list-style: none; margin: 6px 0 0; padding: 0; }
#semflow-live .bad { color: var(--bad, #b3261e); }
#semflow-live button { margin-top: 8px; padding: 4px 12px; border: 1px solid var(--line, #ddd); border-radius: 6px; }
@media print { #semflow-live { display: none; } }`;
  document.head.append(style);

  const make = (name, text = "", attributes = {}) => Object.assign(document.createElement(name), { textContent: text }, attributes);
  const panel = make("aside", "", { id: "semflow-live", hidden: true });
  const details = make("details", "", { open: own === "index.html" && innerWidth > 700 }); // on a film it would hide the controls
  const headline = make("summary");
  headline.setAttribute("role", "status");
  const bar = make("progress", "", { max: 1 });
  bar.setAttribute("aria-label", "Items done");
  const now = make("div"), recent = make("ul");
  const reload = make("button", "", { type: "button", hidden: true, onclick: () => location.reload() });
  details.append(headline, bar, now, recent);
  panel.append(details, reload);
  document.body.append(panel);

  let first = null, wasRunning = false;

  function draw(status) {
    first ??= status;
    const isNew = status.page_at !== null && status.page_at !== first.page_at;
    wasRunning ||= status.running;
    panel.hidden = !(wasRunning || isNew);
    if (headline.textContent !== status.headline) headline.textContent = status.headline;
    bar.hidden = !status.running;
    bar.value = status.share;
    now.replaceChildren(...status.now.map((text) => make("p", text)));
    recent.replaceChildren(...status.recent.slice(0, SHOWN).map((item) => {
      const line = make("li", "", { className: item.bad ? "bad" : "" });
      line.append(item.href ? make("a", `${item.text}: open its page`, { href: item.href }) : item.text);
      return line;
    }));
    reload.hidden = !isNew;
    reload.textContent = own === "index.html" ? "Show the new index" : "This page was made again: show it";
    if (!pages) return;
    if (status.has_index) location.reload();
    document.getElementById("live-lead").textContent = `${status.headline}.`;
    document.getElementById("live-none").hidden = status.pages.length > 0;
    const known = new Set([...pages.querySelectorAll("a")].map((link) => link.getAttribute("href")));
    for (const page of [...status.pages].reverse()) {
      if (known.has(page.href)) continue;
      const line = make("li");
      line.append(make("a", page.name, { href: page.href }));
      pages.prepend(line);
    }
  }

  async function poll() {
    let running = false;
    try {
      const query = new URLSearchParams({ page: own, pages: pages ? "1" : "" });
      const answer = await fetch(`/.semflow/status.json?${query}`, { cache: "no-store" });
      const status = await answer.json();
      running = status.running;
      draw(status);
    } catch {
      if (wasRunning) headline.textContent = "semflow view has ended; start it again to follow the run";
    }
    setTimeout(poll, running && !document.hidden ? RUNNING_MS : IDLE_MS);
  }
  poll();
})();
