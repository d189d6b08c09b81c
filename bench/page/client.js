/**
 * Draws the charts of the page: bars with their spread, latency by percentile, load curves.
 *
 * Runs in a browser, after Chart.js, on the result that the page carries. Colors follow the
 * reader's light or dark mode, also when it changes.
 */

(() => {
  const { Chart } = globalThis;
  const result = JSON.parse(document.querySelector('#result').textContent);
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const percentiles = ['p50', 'p90', 'p99', 'p999', 'max'];
  const percentileNames = ['50', '90', '99', '99.9', 'max'];
  // Told apart by color-blind readers too (Okabe and Ito), and by both backgrounds.
  const colors = {
    onering: ['#0072b2', '#56b4e9', '#7a5ea8', '#2f9e9e'],
    node: ['#e69f00', '#b8860b', '#f0c75e'],
    c: ['#6b7280', '#9ca3af'],
    bun: ['#cc79a7'],
    deno: ['#009e73'],
    fio: ['#a0a0a0'],
    nginx: ['#d55e00'],
  };

  const median = (values) => {
    const sorted = values.toSorted((a, b) => a - b);
    return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
  };

  /** Each contender has its family's next color. */
  const colorsOf = (series) => {
    const used = {};
    return series.map(({ family }) => {
      used[family] = (used[family] ?? -1) + 1;
      const known = colors[family] ?? ['#888888'];
      return known[used[family] % known.length];
    });
  };

  const shown = (series) =>
    series.filter(
      ({ samples, failure, isAgain }) =>
        !isAgain &&
        failure === null &&
        samples.length > 0 &&
        samples.every(({ problem }) => problem === null),
    );

  /** Whiskers from the lowest to the highest sample of each bar. */
  const whiskers = {
    id: 'whiskers',
    afterDatasetsDraw(chart, _args, options) {
      const { ctx, scales } = chart;
      ctx.save();
      ctx.strokeStyle = options.color;
      ctx.lineWidth = 1.5;
      for (const [index, [min, max]] of options.ranges.entries()) {
        const y = scales.y.getPixelForValue(index);
        const [left, right] = [min, max].map((value) => scales.x.getPixelForValue(value));
        ctx.beginPath();
        ctx.moveTo(left, y);
        ctx.lineTo(right, y);
        for (const x of [left, right]) {
          ctx.moveTo(x, y - 4);
          ctx.lineTo(x, y + 4);
        }
        ctx.stroke();
      }
      ctx.restore();
    },
  };

  const axis = (theme, text, more = {}) => ({
    title: { display: text !== '', text, color: theme.text },
    ticks: { color: theme.text, maxRotation: 0 },
    grid: { color: theme.grid },
    ...more,
  });

  /** An axis of names, each of which is shown. */
  const nameAxis = ({ text }) => ({
    grid: { display: false },
    ticks: { color: text, autoSkip: false },
  });

  /** Breaks a long label into lines, so that the bars keep some room on a phone. */
  const wrap = (text) => {
    const widest = innerWidth < 600 ? 20 : 44;
    const lines = [''];
    for (const word of text.split(' ')) {
      const longer = `${lines.at(-1)} ${word}`.trim();
      if (longer.length > widest && lines.at(-1) !== '') lines.push(word);
      else lines[lines.length - 1] = longer;
    }
    return lines;
  };

  const short = (value) =>
    value >= 1e6
      ? `${+(value / 1e6).toPrecision(3)}M`
      : value >= 1000
        ? `${+(value / 1000).toPrecision(3)}k`
        : `${+value.toPrecision(3)}`;

  const barsOf = (one, theme) => {
    const series = shown(one.series);
    if (series.length === 0) return null;
    const values = series.map(({ samples }) => samples.map(({ value }) => value));
    const labels = series.map(({ name }) => wrap(name));
    const x = axis(theme, one.better === 'less' ? `${one.unit} (less is better)` : one.unit);
    return {
      height: 60 + 30 * series.length,
      config: {
        type: 'bar',
        data: {
          labels,
          datasets: [{ data: values.map(median), backgroundColor: colorsOf(series) }],
        },
        options: {
          indexAxis: 'y',
          scales: {
            x: {
              ...x,
              beginAtZero: true,
              suggestedMax: Math.max(...values.flat()),
              ticks: { ...x.ticks, callback: short },
            },
            y: axis(theme, '', nameAxis(theme)),
          },
          plugins: {
            legend: { display: false },
            whiskers: {
              color: theme.text,
              ranges: values.map((list) => [Math.min(...list), Math.max(...list)]),
            },
          },
        },
        plugins: [whiskers],
      },
    };
  };

  /** The overview: node is the line at 1, and right of it is better, whichever way the unit goes. */
  const ratiosOf = (_one, theme) => {
    const all = result.comparisons;
    const gain = ({ better, ratio }) =>
      better === 'more' ? ratio.median : 1 / Math.max(ratio.median, 1e-9);
    const range = ({ better, ratio: { min, max } }) =>
      better === 'more' ? [min, max] : [1 / max, 1 / Math.max(min, 1e-9)];
    const paint = { better: theme.good, worse: theme.bad, 'too close to call': theme.muted };
    const labels = all.map(({ title }) => wrap(title));
    const rowHeight = 12 + 15 * Math.max(...labels.map(({ length }) => length));
    const ends = all.flatMap(range);
    return {
      height: 70 + Math.max(32, rowHeight) * all.length,
      config: {
        type: 'bar',
        data: {
          labels,
          datasets: [
            { data: all.map(gain), base: 1, backgroundColor: all.map((one) => paint[one.verdict]) },
          ],
        },
        options: {
          indexAxis: 'y',
          scales: {
            x: {
              ...axis(theme, 'times as good as node'),
              type: 'logarithmic',
              min: Math.min(0.5, ...ends) * 0.9,
              max: Math.max(2, ...ends) * 1.1,
              ticks: { color: theme.text, callback: short, maxTicksLimit: 6 },
            },
            y: axis(theme, '', nameAxis(theme)),
          },
          plugins: {
            legend: { display: false },
            whiskers: { color: theme.text, ranges: all.map(range) },
          },
        },
        plugins: [whiskers],
      },
    };
  };

  const line = (name, data, color) => ({
    label: name,
    data,
    borderColor: color,
    backgroundColor: color,
    pointRadius: 3,
    borderWidth: 2,
  });

  const linesOf = (datasets, labels, theme, [bottom, side]) => ({
    height: 300 + 14 * datasets.length,
    config: {
      type: 'line',
      data: { labels, datasets },
      options: {
        scales: {
          x: axis(theme, bottom),
          y: {
            ...axis(theme, side),
            type: 'logarithmic',
            ticks: { color: theme.text, callback: short, maxTicksLimit: 8 },
          },
        },
        plugins: {
          legend: { position: 'bottom', labels: { color: theme.text, boxWidth: 12 } },
        },
      },
    },
  });

  const percentilesOf = (one, theme) => {
    const series = shown(one.series).filter(({ samples }) =>
      samples.every(({ latencyMicros }) => latencyMicros !== null),
    );
    if (series.length === 0) return null;
    const paints = colorsOf(series);
    const datasets = series.map(({ name, samples }, index) => {
      const at = (which) => median(samples.map(({ latencyMicros }) => latencyMicros[which]));
      return line(name, percentiles.map(at), paints[index]);
    });
    return linesOf(datasets, percentileNames, theme, ['percentile', 'latency, µs']);
  };

  /** One chart for all cases of a curve: p99 over the share of the load. */
  const curveOf = (cases, theme) => {
    const points = cases.toSorted((a, b) => a.load.percent - b.load.percent);
    const names = [
      ...new Set(points.flatMap(({ series }) => shown(series).map(({ name }) => name))),
    ];
    const families = names.map((name) => ({
      family: points.flatMap(({ series }) => series).find((one) => one.name === name).family,
    }));
    const paints = colorsOf(families);
    const datasets = names.map((name, index) => {
      const data = points.map(({ series }) => {
        const one = shown(series).find((candidate) => candidate.name === name);
        return one === undefined ? null : median(one.samples.map(({ value }) => value));
      });
      return line(name, data, paints[index]);
    });
    const labels = points.map(({ load }) => `${load.percent} %`);
    return linesOf(datasets, labels, theme, ['load, of what node can', points[0].unit]);
  };

  const makers = { bars: barsOf, percentiles: percentilesOf, ratios: ratiosOf };
  let charts = [];

  const draw = (box, made, name) => {
    if (made === null) {
      box.hidden = true;
      return;
    }
    box.style.height = `${made.height}px`;
    const canvas = document.createElement('canvas');
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', name);
    box.replaceChildren(canvas);
    const { options } = made.config;
    made.config.options = {
      ...options,
      responsive: true,
      maintainAspectRatio: false,
      animation: false,
    };
    charts.push(new Chart(canvas, made.config));
  };

  const drawCurves = (theme) => {
    const place = document.querySelector('#curves');
    place.replaceChildren();
    const curves = new Map();
    for (const one of result.cases.filter(({ load }) => load !== null)) {
      curves.set(one.load.curve, [...(curves.get(one.load.curve) ?? []), one]);
    }
    for (const [curve, cases] of curves) {
      if (cases.length < 2) continue;
      const heading = document.createElement('h2');
      heading.textContent = `Load curve: ${curve}`;
      const box = document.createElement('div');
      box.className = 'chart';
      place.append(heading, box);
      draw(box, curveOf(cases, theme), heading.textContent);
    }
  };

  const drawAll = () => {
    for (const chart of charts) chart.destroy();
    charts = [];
    const theme = dark.matches
      ? { text: '#c9d1dd', grid: '#2d3542', good: '#4ade80', bad: '#f87171', muted: '#7d8798' }
      : { text: '#3a4252', grid: '#e3e7ee', good: '#15803d', bad: '#b42318', muted: '#9aa4b5' };
    for (const box of document.querySelectorAll('.chart[data-kind]')) {
      const one = result.cases[Number(box.dataset.case)];
      const name = `${one?.title ?? 'onering beside node'}: ${box.dataset.kind}`;
      draw(box, makers[box.dataset.kind](one, theme), name);
    }
    drawCurves(theme);
  };

  dark.addEventListener('change', drawAll);
  drawAll();
})();
