// Draws the plots: each `.plot` names its figures' address. Unknown minutes stay empty (gaps).
"use strict";
(() => {
  const ink = getComputedStyle(document.documentElement);
  const colour = (name) => ink.getPropertyValue(name).trim();
  const clock = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hour12: false });
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") }, font: "12px system-ui, sans-serif" };
  const whole = (_plot, values) => values.map((value) => (Number.isInteger(value) ? String(value) : ""));
  const hours = (_plot, values) => values.map((value) => clock.format(value * 1000));

  // Numbered lines at the moments of the events that are listed below the plot.
  function events(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour("--busy");
    ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    (plot.root.parentNode.events || []).forEach((at, index) => {
      const x = plot.valToPos(Date.parse(at) / 1000, "x", true);
      if (x < bbox.left || x > bbox.left + bbox.width) return;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.fillText(String(index + 1), x, bbox.top - 4 * devicePixelRatio);
    });
    ctx.restore();
  }

  function options(box, width) {
    return {
      width,
      height: 220,
      padding: [18, 8, 0, 0],
      hooks: { draw: [events] },
      cursor: { drag: { x: false, y: false } },
      scales: { x: { time: true }, y: { range: (_plot, _low, high) => [0, Math.max(4, Math.ceil((high || 0) * 1.15))] } },
      axes: [{ ...axis, values: hours }, { ...axis, values: whole, size: 46 }],
      series: [
        { label: "时间 time", value: (_plot, value) => (value === null ? "–" : clock.format(value * 1000)) },
        { label: box.dataset.passed, stroke: colour("--accent"), fill: colour("--accent") + "22", width: 2, points: { show: false } },
        { label: box.dataset.refused, stroke: colour("--bad"), width: 2, dash: [6, 3], points: { show: false } },
      ],
    };
  }

  async function draw(box) {
    const answer = await fetch(box.dataset.source, { headers: { "HX-Request": "true" } });
    if (!answer.ok) return;
    const { minutes, passed, refused, events: marks } = await answer.json();
    box.events = marks;
    if (passed.every((value) => value === null)) {
      box.textContent = box.dataset.empty;
      box.classList.add("empty");
      return;
    }
    if (box.plot) {
      box.plot.setData([minutes, passed, refused]);
      return;
    }
    box.replaceChildren();
    box.classList.remove("empty");
    box.plot = new uPlot(options(box, box.clientWidth), [minutes, passed, refused], box);
    new ResizeObserver(() => box.plot.setSize({ width: box.clientWidth, height: 220 })).observe(box);
  }

  for (const box of document.querySelectorAll(".plot")) {
    draw(box);
    setInterval(() => draw(box), 30000);
  }
})();
