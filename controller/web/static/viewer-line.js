// What both consoles share: the ticket, the WebSocket, what the bar says, and the end.
const box = document.getElementById("viewer");
const state = document.getElementById("state");
const place = document.getElementById("main");

export function say(tone, zh, en) {
  state.className = `viewer-state ${tone}`;
  state.replaceChildren(span("zh-CN", "", zh), " ", span("en", "en", en));
}

function span(lang, name, words) {
  const made = document.createElement("span");
  made.lang = lang;
  made.className = name;
  made.textContent = words;
  return made;
}

export function over(zh, en) {
  say("over", zh, en);
  box.dataset.state = "over";
  document.getElementById("again").hidden = false;
}

async function ticket() {
  const asked = { method: "POST", body: new FormData(document.getElementById("ticket")) };
  for (;;) {
    const answer = await fetch(`/consoles/${box.dataset.session}/ticket`, asked);
    if (answer.redirected) throw { zh: "登录已过期，请重新登录。", en: "The login is over." };
    const told = await answer.json();
    if (told.ticket) return told.ticket;
    if (told.error) throw told.error.message;
    await new Promise((done) => setTimeout(done, 400));
  }
}

// Opens the one connection of this session; `begin(socket)` takes it over when the machine is there.
export async function connect(begin) {
  let given;
  try {
    given = await ticket();
  } catch (told) {
    over(told.zh || "无法打开", told.en || "It cannot be opened");
    return;
  }
  const socket = new WebSocket(box.dataset.line);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => socket.send(given);
  socket.onclose = (event) => over(event.reason || "无法连接控制台服务", event.reason ? "" : "The console service cannot be reached");
  socket.onmessage = (event) => {
    if (event.data !== "open") return;
    say("ok", "已连接", "connected");
    box.dataset.state = "open";
    begin(socket, place);
  };
}

document.getElementById("full").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else box.requestFullscreen();
});
