// The editor of a mapping: CodeMirror in place of the textarea, complaints under their lines, a word before leaving.
// Without it the textarea posts as before, and complaints stand beside it with the line they are about.
(() => {
  "use strict";
  const form = document.getElementById("bench");
  const area = form?.querySelector("[data-editor]");
  if (!area || !window.TandemEditor) return;
  const view = window.TandemEditor.edit(area, {
    changed: () => {
      unsaved(area.value !== saved);
      if (form.querySelector("#outcome [data-checked]")) document.getElementById("outcome").classList.add("outdated");
    },
    save: () => form.querySelector("[data-save]").click(),
    check: () => form.querySelector("[name=do][value=check]").click(),
  });
  form.classList.add("bench-live");

  // --- what is saved, and what is not ---

  let saved = area.value;
  let leaving = false;
  const unsaved = (on) => {
    document.getElementById("unsaved").hidden = !on;
  };
  window.addEventListener("beforeunload", (event) => {
    if (area.value !== saved && !leaving) event.preventDefault();
  });
  form.addEventListener("click", (event) => {
    const button = event.target.closest("button, a");
    if (button?.matches("[value=discard], [data-leave]")) leaving = true;
    const place = button?.dataset.go?.split(":").map(Number);
    if (place) window.TandemEditor.go(view, ...place);
  });

  // --- answers ---

  const say = () => {
    const found = [...form.querySelectorAll("#outcome .complaint[data-line]")].map((one) => ({
      line: Number(one.dataset.line),
      col: Number(one.dataset.col),
      error: one.classList.contains("complaint-E"),
      code: one.querySelector(".c-head .badge-plain").textContent,
      said: one.querySelector(".c-said"),
    }));
    window.TandemEditor.complain(view, found);
  };
  let sent = saved;
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target === form) sent = area.value;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const box = event.detail.target;
    if (!form.contains(box)) return;
    if (box.id === "outcome") box.classList.toggle("outdated", area.value !== sent);
    if (box.querySelector("[data-saved]")) {
      saved = sent;
      unsaved(area.value !== saved);
    }
    if (box.querySelector("[data-checked]")) say();
    if (box.matches("#clash, #tried, #outcome")) box.scrollIntoView({ block: "nearest" });
  });
  say();
})();
