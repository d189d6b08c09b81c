/**
 * What libuv does for Node, one thing after the other, while the runtime has the load that is named
 * in the first argument: thread pool, resolver, child processes, workers, message ports, signals.
 * Reports how many milliseconds each took.
 */

/* oxlint-disable unicorn/require-post-message-target-origin -- Workers have no origin. */

import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { exec, spawn } from 'node:child_process';
import { pbkdf2 } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { report, startLoad } from './load.mjs';

const guests = {
  files,
  dns,
  threadPool,
  execChild,
  spawnChild,
  worker,
  messageChannel,
  ownSignal,
  childSignal,
};

const stop = await startLoad(process.argv[2]);
const took = {};
for (const [name, run] of Object.entries(guests)) {
  const startMs = performance.now();
  await run();
  took[name] = performance.now() - startMs;
}
await stop();
report({ took });

async function files() {
  const self = fileURLToPath(import.meta.url);
  for (let round = 0; round < 10; round += 1) {
    strictEqual((await readFile(self, 'utf8')).includes('async function files'), true);
  }
}

async function dns() {
  const { address } = await lookup('127.0.0.1');
  strictEqual(address, '127.0.0.1');
  const addresses = await lookup('localhost', { all: true });
  strictEqual(addresses.length > 0, true);
}

async function threadPool() {
  const derive = promisify(pbkdf2);
  const keys = await Promise.all(
    Array.from({ length: 8 }, () => derive('secret', 'salt', 10, 16, 'sha256')),
  );
  strictEqual(new Set(keys.map((key) => key.toString('hex'))).size, 1);
}

async function execChild() {
  const { stdout, stderr } = await promisify(exec)('echo out; echo err >&2');
  deepStrictEqual([stdout, stderr], ['out\n', 'err\n']);
}

/** Through the pipes of `cat`, there and back, in several pieces. */
async function spawnChild() {
  const child = spawn('cat', { stdio: ['pipe', 'pipe', 'inherit'] });
  let echoed = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    echoed += text;
    if (echoed.length < 5) child.stdin.write(String(echoed.length));
    else child.stdin.end();
  });
  child.stdin.write('0');
  const [code] = await once(child, 'close');
  deepStrictEqual([code, echoed], [0, '01234']);
}

async function worker() {
  const source =
    "const { parentPort: p } = require('node:worker_threads'); p.on('message', (n) => {" +
    'if (n < 0) p.close(); else p.postMessage(n + 1); });';
  const echo = new Worker(source, { eval: true });
  const exited = once(echo, 'exit');
  for (let n = 0; n < 20; n += 1) {
    echo.postMessage(n);
    const [answer] = await once(echo, 'message');
    strictEqual(answer, n + 1);
  }
  echo.postMessage(-1);
  deepStrictEqual(await exited, [0]);
}

async function messageChannel() {
  const { port1, port2 } = new MessageChannel();
  port2.on('message', (value) => port2.postMessage(value * 2));
  for (let n = 0; n < 20; n += 1) {
    port1.postMessage(n);
    const [answer] = await once(port1, 'message');
    strictEqual(answer, n * 2);
  }
  port1.close();
}

async function ownSignal() {
  for (const name of ['SIGUSR2', 'SIGINT', 'SIGHUP']) {
    const received = once(process, name);
    process.kill(process.pid, name);
    strictEqual((await received)[0], name);
  }
}

/** Sent while nothing of this process runs, unless the load does. */
async function childSignal() {
  const received = once(process, 'SIGTERM');
  const child = spawn('sh', ['-c', 'sleep 0.05; kill -TERM $PPID'], { stdio: 'ignore' });
  strictEqual((await received)[0], 'SIGTERM');
  if (child.exitCode === null) await once(child, 'exit');
}
