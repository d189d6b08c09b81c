/**
 * How late Node's timers and the runtime's own are, in milliseconds, while the runtime has the load
 * that is named in the first argument.
 */

import { block, report, startLoad } from './load.mjs';
import { runtime } from 'onering';
import { setTimeout as ringTimeout } from 'onering/timers/promises';

const ROUNDS = 15;
const DELAY_MS = 5;
const PRECISE_DELAY_MS = 2.5;

const baseline = await busyBaseline();
const stop = await startLoad(process.argv[2]);
const timeouts = await timeoutsLate();
const intervals = await intervalsLate();
const afterWork = await lateAfterWork();
const immediates = await immediatesLate();
const precise = await preciseLate();
await stop();
report({ baseline, timeouts, intervals, afterWork, immediates, precise });

/** How late they are beside plain immediates: what this machine costs a busy process just now. */
async function busyBaseline() {
  const state = { isStopped: false };
  const again = () => {
    if (!state.isStopped) setImmediate(again);
  };
  again();
  const late = await timeoutsLate();
  state.isStopped = true;
  return late;
}

async function timeoutsLate() {
  const late = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const startMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, DELAY_MS));
    late.push(performance.now() - startMs - DELAY_MS);
  }
  return late;
}

function intervalsLate() {
  return new Promise((resolve) => {
    const late = [];
    let lastMs = performance.now();
    const interval = setInterval(() => {
      const nowMs = performance.now();
      late.push(nowMs - lastMs - DELAY_MS);
      lastMs = nowMs;
      if (late.length < ROUNDS) return;
      clearInterval(interval);
      resolve(late);
    }, DELAY_MS);
  });
}

/** The runtime's own, which honor fractions. */
async function preciseLate() {
  const late = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const startMs = performance.now();
    await ringTimeout(PRECISE_DELAY_MS);
    late.push(performance.now() - startMs - PRECISE_DELAY_MS);
  }
  return late;
}

/** A timer that is set before a completion's callback keeps the thread busy: not later for it. */
async function lateAfterWork() {
  const ring = runtime();
  const late = [];
  for (let round = 0; round < 5; round += 1) {
    const startMs = performance.now();
    const due = new Promise((resolve) => setTimeout(resolve, 40));
    setTimeout(() => ring.nop(() => block(25)), 2);
    await due;
    late.push(performance.now() - startMs - 40);
  }
  return late;
}

async function immediatesLate() {
  const late = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const startMs = performance.now();
    await new Promise((resolve) => setImmediate(resolve));
    late.push(performance.now() - startMs);
  }
  return late;
}
