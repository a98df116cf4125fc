// What the pages do in the browser: local times, live parts, drafts, dialogs, the composer's words.
// Nothing here decides anything; without it every form still posts and every link still leads somewhere.
(() => {
  "use strict";
  const root = document.documentElement;
  // The page's language, in the regional form that the browser prefers ("en" alone would mean American times).
  const language = navigator.languages.find((one) => one.split("-")[0] === root.lang) ?? (root.lang || "en");
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

  // --- times: the viewer's zone, the page's language ---

  const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const year = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", year: "numeric" });
  const whole = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "long" });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  const units = Object.fromEntries(
    ["day", "hour", "minute", "second"].map((unit) => [
      unit,
      new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "narrow", maximumFractionDigits: 0 }),
    ]),
  );
  const STEPS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

  const ago = (seconds) => {
    const away = Math.abs(seconds);
    if (away < 45) return relative.format(0, "second");
    const [unit, size] = STEPS.find(([, size]) => away >= size) ?? STEPS[3];
    return relative.format(-Math.round(seconds / size), unit);
  };
  const at = (moment, now) => {
    if (moment.toDateString() === now.toDateString()) return clock.format(moment);
    return moment.getFullYear() === now.getFullYear() ? day.format(moment) : year.format(moment);
  };
  const lasting = (seconds) => {
    const left = Math.max(0, Math.floor(seconds));
    const from = Math.max(0, STEPS.findIndex(([, size]) => left >= size));
    const [[unit, size], second] = [STEPS[left ? from : 3], STEPS[from + 1]];
    const big = Math.floor(left / size);
    const small = second ? Math.floor((left - big * size) / second[1]) : 0;
    const tail = second && small && second[0] !== "second" ? ` ${units[second[0]].format(small)}` : "";
    return units[unit].format(big) + tail;
  };
  const set = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };
  const tell = (within = document) => {
    const now = new Date();
    for (const element of $$("time[datetime]", within)) {
      const moment = new Date(element.dateTime);
      if (Number.isNaN(moment.getTime())) continue;
      const old = now - moment > 6 * 86400e3;
      set(element, element.dataset.when === "ago" && !old ? ago((now - moment) / 1000) : at(moment, now));
      if (!element.title) element.title = whole.format(moment);
    }
    for (const element of $$("[data-seconds]", within)) {
      const running = element.dataset.since ? (now - new Date(element.dataset.since)) / 1000 : 0;
      set(element, lasting(Number(element.dataset.seconds) + running));
    }
  };

  // --- live parts: the server sends those that changed; what a person is in is left alone until they are done ---

  const busy = (part) => {
    if (part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) return true;
    if ($("[data-editing]", part) || $(".htmx-request:not([data-poll])", part)) return true;  // or about to be edited
    const chosen = document.getSelection();
    return Boolean(chosen && !chosen.isCollapsed && part.contains(chosen.anchorNode));
  };
  const kept = new Map();
  const keep = (part) => {
    const open = $$("details[id]", part).map((one) => [one.id, one.open]);
    const ticked = $$("input[id]:is([type=checkbox], [type=radio])", part).map((one) => [one.id, one.checked]);
    kept.set(part.id, { open, ticked, focus: part.contains(document.activeElement) ? document.activeElement.id : "" });
  };
  const restore = (part) => {
    const was = kept.get(part.id);
    kept.delete(part.id);
    for (const [id, open] of was?.open ?? []) if ($(`#${CSS.escape(id)}`, part)) document.getElementById(id).open = open;
    for (const [id, on] of was?.ticked ?? []) {
      const box = document.getElementById(id);
      if (box) box.checked = on;
    }
    if (was?.focus) document.getElementById(was.focus)?.focus();
    ready(part);
  };

  // A part that was left alone is asked for again: the page is not what its stamp says.
  let left = false;
  const forget = () => {
    const stamp = $("#part-stamp");
    if (stamp) stamp.dataset.part = "";
  };
  const live = (on) => {
    const lamp = $("#live");
    if (lamp) lamp.dataset.on = String(on);
  };

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.matches("[data-poll]") && document.hidden) event.preventDefault();
  });
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.target.matches("[data-poll]")) return;
    event.detail.headers["X-Seen"] = $$("[data-part]").map((part) => `${part.id}=${part.dataset.part}`).join(" ");
  });
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const part = event.detail.target;
    if (part.matches?.("[data-part]") && busy(part)) {
      event.preventDefault();
      left = true;
    } else keep(part);
  });
  document.addEventListener("htmx:oobAfterSwap", (event) => {
    const part = document.getElementById(event.detail.target.id);
    if (part) restore(part);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.matches("[data-poll]")) {
      live(event.detail.successful);
      if (left) forget();
      left = false;
    } else if (event.detail.successful && event.detail.requestConfig.verb !== "get") {
      for (const field of $$("[data-draft]", event.target)) sessionStorage.removeItem(draftKey(field));
    }
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refresh();
  });
  const refresh = () => $$("[data-poll]").forEach((poll) => window.htmx?.trigger(poll, "refresh"));

  // --- answers: a refusal is shown where it was asked, a success closes, clears and says so ---

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = event.detail;
    if (xhr.status < 400 || requestConfig.elt.matches("[data-poll]")) return;
    const form = requestConfig.elt.closest("form");
    event.detail.target = (form && $("[data-refusal]", form)) || $("#toasts");
    event.detail.swapOverride = "innerHTML";
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  });
  document.addEventListener("tandem:done", (event) => {
    const form = event.target.closest?.("form");
    form?.closest("dialog")?.close();
    if (form?.matches("[data-editing]")) putBack(form);
    if (form?.matches("[data-clears]")) form.reset();
    document.activeElement?.blur();
    if (form?.matches("[data-composer]")) {
      form.reset();
      $$("[data-refusal], [data-chosen]", form).forEach((box) => box.replaceChildren());
      words(form);
    }
    toast(event.detail.say);
    refresh();
  });
  const toast = (text) => {
    if (!text) return;
    const box = document.createElement("div");
    box.className = "alert alert-success shadow-sm";
    box.setAttribute("role", "status");
    box.textContent = text;
    $("#toasts").append(box);
    setTimeout(() => box.remove(), 6000);
  };
  document.addEventListener("htmx:sendError", () => live(false));

  // --- drafts survive a reload, a sign-out, a link followed by mistake ---

  const draftKey = (field) => `draft:${field.dataset.draft}`;
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (field.matches("[data-draft]")) sessionStorage.setItem(draftKey(field), field.value);
    if (field.closest("[data-composer]")) words(field.closest("[data-composer]"));
  });

  // --- the composer says who will read it ---

  const words = (form) => {
    const files = $("input[type=file]", form);
    if (files) set($("[data-chosen]", form), [...files.files].map((file) => file.name).join(", "));
    if (!$("[data-readers]", form)) return;
    const names = $$("input[name=audience]:checked", form).map((box) => box.dataset.name);
    const list = new Intl.ListFormat(language, { type: "conjunction" }).format(names);
    const says = names.length ? ["out", form.dataset.shared, form.dataset.sendShared] : ["team", form.dataset.internal, form.dataset.sendInternal];
    form.dataset.reach = says[0];
    set($("[data-readers]", form), says[1].replace("{names}", () => list));
    set($("[data-send]", form), says[2].replace("{names}", () => list));
  };
  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-composer]");
    if (form) words(form);
    if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
    const other = event.target.closest("[data-chooses]");
    if (other) choose(other);
  });
  const choose = (select) => {
    for (const box of $$(`[data-chosen-by="${select.id}"]`)) box.hidden = box.dataset.value !== select.value;
  };

  // --- dialogs, keys ---

  document.addEventListener("htmx:afterSwap", (event) => {
    const dialog = event.detail.target.closest?.("dialog");
    if (dialog && !dialog.open) dialog.showModal();
    tell(event.detail.target);
    if (event.detail.target.matches?.("dialog")) ready(event.detail.target);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) event.target.closest("dialog, .alert")?.[event.target.closest("dialog") ? "close" : "remove"]();
    if (event.target.matches("dialog")) event.target.close();
    const cancelled = event.target.closest("[data-cancel]")?.closest("[data-editing]");
    if (cancelled) putBack(cancelled);
    const row = event.target.closest("[data-href]");
    if (row && !event.target.closest("a, button, input, label") && document.getSelection().isCollapsed) location.href = row.dataset.href;
    for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, textarea, select, [contenteditable]");
    if (typing && (event.ctrlKey || event.metaKey) && event.key === "Enter") event.target.form?.requestSubmit();
    if (event.key === "Escape") {
      for (const menu of $$("details.menu[open]")) menu.open = false;
      const editor = event.target.closest("[data-editing]");
      if (editor) putBack(editor);
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
    if ("jk".includes(event.key)) return step(event.key === "j" ? 1 : -1);
    const target = $(`[data-key="${CSS.escape(event.key)}"]`);
    if (target) {
      event.preventDefault();
      target.matches("input, textarea") ? target.focus() : target.click();
    }
  });
  // An editor stands where a value stood; to leave it, the part is asked for anew, as if it had never been seen.
  const putBack = (editor) => {
    editor.removeAttribute("data-editing");
    const part = editor.closest("[data-part]");
    if (part) part.dataset.part = "";
    forget();
    document.activeElement?.blur();
    refresh();
  };
  const step = (by) => {
    const rows = $$("[data-href] a.stretched, [data-href] a[data-first]");
    const now = rows.findIndex((row) => row.closest("[data-href]").contains(document.activeElement));
    rows[Math.min(rows.length - 1, Math.max(0, now + by))]?.focus();
  };

  const ready = (within) => {
    tell(within);
    for (const form of $$("[data-composer]", within)) words(form);
    const around = within.closest?.("[data-composer]");
    if (around) words(around);
    for (const select of $$("[data-chooses]", within)) choose(select);
    for (const field of $$("[data-draft]", within)) if (!field.value) field.value = sessionStorage.getItem(draftKey(field)) ?? "";
  };
  ready(document);
  $(".menu-bar [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" }); // a narrow menu scrolls
  setInterval(() => tell(), 5000);
  setTimeout(() => $$("#toasts .alert").forEach((one) => one.remove()), 8000);
})();
