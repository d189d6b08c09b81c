/**
 * Runs one workload with one driver, once, in this process: `worker WORKLOAD DRIVER PARAMETERS`.
 *
 * Prints one line of JSON with the figures. With `isCounted` it first says that it is ready and
 * waits for a line of input, so that somebody can attach a counter of system calls; there is no
 * warm-up then. Runs under Bun and Deno too, which is why workloads and drivers are loaded by name:
 * only drivers of onering import it.
 */

import { readSync, writeSync } from 'node:fs';
import type { StorageModule } from './drivers/storage/storage-driver.ts';
import { PacedLanes, runLanes } from './worker/lanes.ts';
import { Window } from './worker/window.ts';
import type { Parameters, Workload } from './workloads/workload.ts';

const EXTENSION = import.meta.url.endsWith('.js') ? '.js' : '.ts';

interface Run extends Parameters {
  readonly isCounted?: boolean;
}

const [workloadName = '', driverName = '', text = '{}'] = process.argv.slice(2);
await main(JSON.parse(text) as Run);

async function main(run: Run): Promise<void> {
  const { driver } = (await import(urlOf(`drivers/${driverName}`))) as StorageModule;
  const [file = '', name = ''] = workloadName.split('/');
  const workloads = (await import(urlOf(`workloads/${file}`))) as Record<string, unknown>;
  const workload = workloads[name] as Workload<typeof driver> | undefined;
  if (workload === undefined) throw new RangeError(`Unknown workload "${workloadName}"`);
  const work = await workload(driver, run);
  if (run.isCounted === true) waitForCounter();
  const { rate } = run;
  const paced = rate > 0 ? new PacedLanes(work, rate) : null;
  const window = new Window(run, paced === null ? null : paced.beat);
  if (paced === null) await runLanes(work, window);
  else await paced.run(window);
  await work.finish();
  writeSync(1, `${JSON.stringify(window.figures())}\n`);
  // A thread pool or a runtime that stays open is nobody's business any more.
  process.exit(0);
}

function waitForCounter(): void {
  writeSync(1, '{"ready":true}\n');
  readSync(0, new Uint8Array(1));
}

function urlOf(name: string): string {
  return new URL(`./${name}${EXTENSION}`, import.meta.url).href;
}
