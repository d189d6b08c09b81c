/**
 * Takes rights away from itself, as a container or an administrator would, then uses files,
 * sockets and timers, and prints what it ran on and what came of each.
 *
 * The argument is JSON: `folder` is for its files, `filter` has system calls from `first` to `last`
 * answered with `action`, `user` becomes somebody without privileges, `exhausts` takes every
 * descriptor while the runtime opens, `worker` does the work in a worker thread.
 */

/* oxlint-disable unicorn/require-post-message-target-origin -- Workers have no origin. */

import { chownSync, closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
// Loaded while everything may still be read.
import { diagnose, File, runtime, TcpListener, TcpStream } from 'onering';
import { setTimeout as sleep } from 'onering/timers/promises';
import { installFilter } from './filter.mjs';

const NOBODY = 65_534;
const hostname = '127.0.0.1';

if (isMainThread) await runMain(JSON.parse(process.argv[2]));
else parentPort.postMessage(await work(workerData));

async function runMain(confinement) {
  const { folder } = confinement;
  if (confinement.user) becomeNobody(folder);
  if (confinement.filter !== undefined) installFilter(confinement.filter);
  const report = confinement.worker
    ? await inWorker(folder)
    : await work(folder, confinement.exhausts);
  console.log(JSON.stringify(report));
}

function becomeNobody(folder) {
  if (process.getuid() !== 0) return;
  chownSync(folder, NOBODY, NOBODY);
  process.setgroups([]);
  process.setgid(NOBODY);
  process.setuid(NOBODY);
}

function inWorker(folder) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: folder });
    worker.once('message', resolve).once('error', reject);
  });
}

async function work(folder, exhausts = false) {
  const ring = exhausts ? withoutDescriptors(runtime) : runtime();
  const { backend, reason } = ring;
  const said = diagnose().reason;
  const report = {
    backend,
    reason: reason === null ? null : { kind: reason.reason, message: reason.message },
    said,
    file: await useFiles(folder),
    missing: await File.open(join(folder, 'missing')).catch(({ message }) => message),
    echo: await useSockets(),
    slept: await sleep(1.5, 'slept'),
    nop: await ring.nop(),
  };
  if (exhausts) report.full = await withoutDescriptorsAsync(folder);
  await ring.close();
  return report;
}

async function useFiles(folder) {
  const file = await File.open(join(folder, 'file'), 'w+');
  const data = Buffer.alloc(700_000, 'ring');
  for (let at = 0; at < data.length;) {
    at += await file.write(data.subarray(at), { position: at });
  }
  await file.datasync();
  const back = Buffer.alloc(data.length);
  for (let at = 0; at < back.length;) {
    at += await file.read(back.subarray(at), { position: at });
  }
  const { size } = await file.stat();
  await file.close();
  return [size, back.equals(data)];
}

async function useSockets() {
  const listener = await TcpListener.listen({
    hostname,
    port: 0,
    socket: { data: (socket, chunk) => void socket.write(chunk) },
  });
  const { port } = listener.address();
  const replies = Array.from({ length: 8 }, async (_, i) => {
    const stream = await TcpStream.connect({ hostname, port });
    await stream.write(`hello ${i}`);
    const reply = String(await stream.read());
    await stream.close();
    return reply === `hello ${i}`;
  });
  const all = await Promise.all(replies);
  await listener.close();
  return all.every(Boolean);
}

/** Takes every descriptor there is for the time of a call. */
function withoutDescriptors(run) {
  const taken = takeAll();
  try {
    return run();
  } finally {
    for (const fd of taken) closeSync(fd);
  }
}

async function withoutDescriptorsAsync(folder) {
  const taken = takeAll();
  const outcome = await File.open(join(folder, 'file')).catch(({ code }) => code);
  for (const fd of taken) closeSync(fd);
  const file = await File.open(join(folder, 'file'));
  await file.close();
  return outcome;
}

function takeAll() {
  const taken = [];
  for (;;) {
    try {
      taken.push(openSync('/dev/null'));
    } catch (error) {
      if (error.code !== 'EMFILE') throw error;
      return taken;
    }
  }
}
