/**
 * Shows the server's counters on the front page: asks /-/metrics once a second while the page is
 * visible, and sends requests when told to, so that there is something to see.
 */

const refreshMs = 1000;
const historyLength = 60;

const state = document.querySelector('#state');
const spark = document.querySelector('#spark');
const button = document.querySelector('#traffic');
const outcome = document.querySelector('#outcome');

const whole = new Intl.NumberFormat('en');
const decimal = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const share = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });

const history = [];
let last = null;

async function refresh() {
  try {
    const response = await fetch('/-/metrics');
    if (!response.ok) throw new Error(`The server answered ${response.status}`);
    show(await response.json(), performance.now());
  } catch (error) {
    last = null;
    say(`No numbers: ${error.message}`, 'bad');
  }
}

function show(metrics, nowMs) {
  const isRing = metrics.backend === 'uring';
  say(isRing ? 'io_uring is in use' : `On libuv: ${metrics.reason}`, isRing ? 'good' : 'bad');
  fill('requests', whole.format(metrics.server.requests));
  fill('connections', whole.format(metrics.server.openConnections));
  fill('completions', whole.format(metrics.completions));
  fill('inFlight', whole.format(metrics.inFlight));
  fill('enters', whole.format(metrics.enters));
  fill('perEnter', metrics.enters > 0 ? decimal.format(metrics.completions / metrics.enters) : '–');
  fill('busy', share.format(metrics.utilization));
  if (last !== null && nowMs > last.nowMs) {
    const rate = ((metrics.completions - last.completions) * 1000) / (nowMs - last.nowMs);
    fill('rate', whole.format(Math.max(0, Math.round(rate))));
    draw(rate);
  }
  last = { completions: metrics.completions, nowMs };
}

function draw(rate) {
  history.push(rate);
  if (history.length > historyLength) history.shift();
  const top = Math.max(10, ...history);
  const step = 120 / (historyLength - 1);
  const left = 120 - (history.length - 1) * step;
  const points = history.map((value, index) => `${left + index * step},${29 - (value / top) * 27}`);
  spark.setAttribute('points', points.join(' '));
}

function fill(name, text) {
  document.querySelector(`[data-show="${name}"]`).textContent = text;
}

function say(text, kind) {
  // A status that does not change must not be read out again and again.
  if (state.textContent !== text) state.textContent = text;
  state.className = `state ${kind}`;
}

async function sendRequests(count) {
  let left = count;
  const startMs = performance.now();
  const sendSome = async () => {
    while (left > 0) {
      left -= 1;
      const response = await fetch('ring.svg', { cache: 'no-store' });
      await response.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: 6 }, sendSome));
  return performance.now() - startMs;
}

async function makeTraffic() {
  button.disabled = true;
  outcome.textContent = '';
  try {
    const elapsedMs = await sendRequests(1000);
    outcome.textContent = `Answered in ${decimal.format(elapsedMs / 1000)} s, browser included`;
  } catch (error) {
    outcome.textContent = `Failed: ${error.message}`;
  } finally {
    button.disabled = false;
  }
}

async function keepRefreshing() {
  if (!document.hidden) await refresh();
  setTimeout(keepRefreshing, refreshMs);
}

button.addEventListener('click', () => void makeTraffic());
void keepRefreshing();
