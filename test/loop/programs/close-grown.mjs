/**
 * Bursts make the completion queue grow; then the runtime is closed and the process sleeps on a
 * timer of Node's. Reports how much of a core that sleep took.
 */

import { Runtime } from 'onering';
import { report } from './load.mjs';

const SLEEP_MS = 200;

const ring = new Runtime({ entries: 64, completionEntries: 64 });
while (ring.metrics().resizesGrown === 0) {
  await Promise.all(Array.from({ length: 2000 }, () => ring.nop()));
}
const grown = ring.metrics().resizesGrown;
await ring.close();
const before = process.cpuUsage();
await new Promise((resolve) => setTimeout(resolve, SLEEP_MS));
const { user, system } = process.cpuUsage(before);
report({ grown, cpuShare: (user + system) / 1000 / SLEEP_MS });
