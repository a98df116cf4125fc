"use strict";
// Who one is stays chosen; files are sent as they are; the page shows news by itself unless one is writing.
const who = document.getElementById("as");
const kept = sessionStorage.getItem("as");
if (kept && [...who.options].some((each) => each.value === kept)) who.value = kept;
who.addEventListener("change", () => sessionStorage.setItem("as", who.value));

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const hidden = form.querySelector("input[name=as]");
  if (hidden) hidden.value = who.value;
  if (!form.matches(".upload")) return;
  event.preventDefault();
  const file = form.querySelector("input[type=file]").files[0];
  const shown = form.querySelector("input[name=public]").checked;
  const query = new URLSearchParams({ name: file.name, public: shown, as: who.value });
  const reply = await fetch(`${form.dataset.to}?${query}`, {
    method: "POST", body: file, headers: { "Content-Type": file.type || "application/octet-stream" },
  });
  if (reply.ok) { location.reload(); return; }
  const problem = form.querySelector(".problem");
  problem.textContent = `The file was not taken (${reply.status}).`;
  problem.hidden = false;
});

function writing(main) {
  return main.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")
    || [...main.querySelectorAll("textarea, input[type=file]")].some((each) => each.value);
}

async function refresh() {
  const main = document.getElementById("main");
  if (document.hidden || writing(main)) return;
  try {
    const reply = await fetch(location.href);
    if (!reply.ok) return;
    const fresh = new DOMParser().parseFromString(await reply.text(), "text/html").getElementById("main");
    if (!writing(main) && fresh.innerHTML !== main.innerHTML) main.replaceWith(fresh);
  } catch { /* the desk is away for a moment */ }
}
setInterval(refresh, 2000);
