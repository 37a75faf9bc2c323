// Lays out what the server worked out (the JSON in the element that data-from names), as SVG.
"use strict";

const style = getComputedStyle(document.documentElement);
const colour = (name) => style.getPropertyValue(`--${name}`).trim();
const FONT = style.fontFamily;
const TEXT = { fontFamily: FONT, color: colour("ink"), fontSize: 13 };
const feelingColour = (score) => colour(score > 0.25 ? "up" : score < -0.25 ? "down" : "flat");
const signed = (value) => {
  const text = Math.abs(value).toFixed(1);
  return text === "0.0" ? text : (value > 0 ? "+" : "−") + text;
};

// Points of the emotion curve: hollow where few utterances stand behind them, none where there is no score.
const curvePoint = (point, smallN) => ({
  value: point.score,
  symbolSize: 11,
  itemStyle: {
    color: point.n < smallN ? colour("paper") : feelingColour(point.score ?? 0),
    borderColor: feelingColour(point.score ?? 0),
    borderWidth: 2,
  },
});

const feelingAxis = (gridIndex, name) => ({
  gridIndex, type: "value", min: -2, max: 2, interval: 1, name, nameLocation: "middle", nameGap: 34,
  nameTextStyle: { ...TEXT, color: colour("muted") },
  axisLabel: { ...TEXT, fontSize: 12, color: colour("muted"), formatter: (v) => (v > 0 ? `+${v}` : `${v}`.replace("-", "−")) },
  splitLine: { lineStyle: { color: colour("line") } },
});

const feelingLine = (points, smallN, axis) => ({
  type: "line", xAxisIndex: axis, yAxisIndex: axis,
  // Straight between what was measured, broken where nothing was: a smoothed line would overshoot its data.
  smooth: false, connectNulls: false, symbol: "circle", showAllSymbol: true,
  data: points.map((point) => curvePoint(point, smallN)),
  lineStyle: { color: colour("brand"), width: 2 },
  label: { show: true, position: "top", distance: 7, ...TEXT, fontSize: 12, formatter: ({ value }) => signed(value) },
  labelLayout: { hideOverlap: false },
  markLine: { silent: true, symbol: "none", label: { show: false }, data: [{ yAxis: 0 }], lineStyle: { color: colour("flat"), type: "dashed", width: 1 } },
});

function bars({ bars: rows }) {
  return {
    grid: { left: 4, right: 44, top: 4, bottom: 4, containLabel: true },
    xAxis: { type: "value", show: false, axisLabel: { show: false } },
    yAxis: {
      type: "category", inverse: true, data: rows.map((row) => row.label), axisLine: { show: false }, axisTick: { show: false },
      axisLabel: { ...TEXT, interval: 0 },
    },
    series: [{
      type: "bar", data: rows.map((row) => row.n), barMaxWidth: 14, itemStyle: { color: colour("heard"), borderRadius: 2 },
      label: { show: true, position: "right", ...TEXT },
    }],
  };
}

// Lanes and curve share one set of categories and one left and right edge, so that each column stands over its point.
const LANES = [["stage", 30], ["touchpoint", 44], ["quote", 96], ["n", 30]];
const EDGE = { left: 96, right: 18 };

function journey(data) {
  const names = data.columns.map((column) => column.name);
  let top = 6;
  const grids = [], xAxes = [], yAxes = [];
  const add = (grid, xAxis, yAxis) => {
    grids.push({ ...EDGE, ...grid });
    xAxes.push({ gridIndex: grids.length - 1, type: "category", data: names, axisTick: { show: false }, axisLine: { show: false }, ...xAxis });
    yAxes.push(yAxis(grids.length - 1));
  };
  for (const [lane, height] of LANES) {
    add({ top, height }, { axisLabel: { show: false } }, (gridIndex) => ({
      gridIndex, type: "category", data: [data.lanes[lane]], axisLine: { show: false }, axisTick: { show: false }, splitLine: { show: false },
      axisLabel: { ...TEXT, fontSize: 12, color: colour("muted"), width: 86, overflow: "truncate" },
    }));
    top += height + 4;
  }
  add({ top: top + 20, bottom: 16 }, { axisLabel: { show: false }, splitLine: { show: true, interval: 0, lineStyle: { color: colour("line"), type: "dotted" } } },
    (gridIndex) => feelingAxis(gridIndex, data.lanes.curve));
  return {
    grid: grids, xAxis: xAxes, yAxis: yAxes,
    series: [
      lane(0, data.stages.map((stage) => [stage.first, stage.last]), (i) => stageShape(data.stages[i])),
      lane(1, data.columns.map((_, i) => [i, i]), (i) => touchpointShape(data.columns[i])),
      lane(2, data.columns.map((_, i) => [i, i]), (i) => quoteShape(data.columns[i])),
      lane(3, data.columns.map((_, i) => [i, i]), (i) => countShape(data.columns[i])),
      feelingLine(data.columns, data.small_n, LANES.length),
    ],
  };
}

// One lane: a box from its first to its last category, drawn at the chart's own coordinates.
function lane(axis, spans, shape) {
  return {
    type: "custom", xAxisIndex: axis, yAxisIndex: axis, data: spans.map(([first, last]) => [first, 0, last]), clip: true,
    renderItem: (params, api) => {
      const [width, height] = api.size([1, 1]);
      const left = api.coord([api.value(0), 0])[0] - width / 2 + 2;
      const right = api.coord([api.value(2), 0])[0] + width / 2 - 2;
      const y = api.coord([0, 0])[1] - height / 2;
      const box = { x: left, y, width: right - left, height };
      return { type: "group", children: shape(params.dataIndex).map((make) => make(box)) };
    },
  };
}

const rect = (style, extra = {}) => (box) => ({ type: "rect", shape: { ...box, r: 5 }, style, ...extra });
const words = (text, style, { align = "center", padding = 6 } = {}) => (box) => ({
  type: "text", silent: true,
  style: {
    text, x: align === "center" ? box.x + box.width / 2 : box.x + padding, y: box.y + box.height / 2, align, verticalAlign: "middle",
    width: box.width - 2 * padding, height: box.height - 6, overflow: "break", lineOverflow: "truncate", ellipsis: "…",
    fontFamily: FONT, fontSize: 13, lineHeight: 17, fill: colour("ink"), ...style,
  },
});

const stageShape = (stage) => [rect({ fill: colour("brand") }, { silent: true }), words(stage.name, { fill: "#fff", fontWeight: 600, fontSize: 12.5 }, { padding: 1 })];
const touchpointShape = (column) => [
  rect({ fill: column.mot ? "#fff6e3" : colour("ground"), stroke: column.mot ? "#dcae5f" : colour("line"), lineWidth: 1 }, { cursor: "pointer" }),
  words(column.mot ? `★ ${column.name}` : column.name, { fontWeight: 600, lineHeight: 16, ...(column.mot ? { fill: "#7a4a00" } : {}) }),
];
const quoteShape = (column) => column.quote
  ? [
    rect({ fill: { negative: "#fdf3f0", positive: "#eff8f4", neutral: "#f7f9fa" }[column.quote_feeling] }, { cursor: "pointer" }),
    words(column.quote, { fontSize: 12, lineHeight: 17 }, { align: "left" }),
  ]
  : [rect({ fill: "#fbfcfd" }, { silent: true })];
const countShape = (column) => [words(column.counts, { fontSize: 12, fill: column.n ? colour("ink") : colour("muted") }, { padding: 1 })];

function curve(data) {
  return {
    grid: { left: 58, right: 22, top: 22, bottom: 66 },
    xAxis: {
      type: "category", data: data.points.map((point) => `${point.mot ? "★ " : ""}${point.label}\n${point.day}\nn=${point.n}`),
      axisLabel: { ...TEXT, fontSize: 12, lineHeight: 16, interval: 0, width: 92, overflow: "break" }, axisTick: { show: false }, axisLine: { show: false },
    },
    yAxis: feelingAxis(0, data.axis),
    series: [feelingLine(data.points, data.small_n, 0)],
  };
}

const LAYOUTS = { bars, journey, curve };
const MIN_COLUMN_PX = { journey: 118, curve: 100 };

function draw(element) {
  const data = JSON.parse(document.getElementById(element.dataset.from).textContent);
  const columns = (data.columns ?? data.points ?? []).length;
  const needed = columns * (MIN_COLUMN_PX[element.dataset.chart] ?? 0) + EDGE.left + EDGE.right;
  if (columns && element.parentElement.clientWidth < needed) element.style.width = `${needed}px`;
  const chart = echarts.init(element, null, { renderer: "svg" });
  chart.setOption({ animation: false, textStyle: { fontFamily: FONT }, ...LAYOUTS[element.dataset.chart](data) });
  const target = element.dataset.target;
  if (target) {
    chart.on("click", (event) => {
      const column = event.componentSubType === "line" || event.seriesIndex > 0 ? data.columns[event.dataIndex] : undefined;
      if (column) htmx.ajax("GET", column.url, { target });
    });
  }
  const resized = new ResizeObserver(() => (element.isConnected ? chart.resize() : (resized.disconnect(), chart.dispose())));
  resized.observe(element);
}

function drawAll() {
  for (const element of document.querySelectorAll("[data-chart]")) if (!echarts.getInstanceByDom(element)) draw(element);
}

// A deferred script runs when the document is read; later pieces come with htmx.
drawAll();
document.addEventListener("htmx:after:swap", drawAll);
