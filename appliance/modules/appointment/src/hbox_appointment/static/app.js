// Refreshes the state of a booking until the hospital has answered. The page works without it too.
"use strict";
const state = document.getElementById("state");
let pause = 2000;
async function refresh() {
  try {
    const answer = await fetch(state.dataset.from, { cache: "no-store" });
    if (answer.ok) {
      const said = await answer.json();
      if (said.status !== state.dataset.status) {
        state.dataset.status = said.status;
        state.innerHTML = said.html;
      }
      if (said.status !== "pending") return;
    }
  } catch { /* not reached just now: tried again below */ }
  pause = Math.min(pause * 1.3, 15000);
  setTimeout(refresh, pause);
}
setTimeout(refresh, 1000);
