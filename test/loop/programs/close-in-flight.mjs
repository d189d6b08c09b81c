/**
 * Closes the runtime while work of every kind is in flight. Reports how each promise settled, what
 * is left of descriptors, and whether the thread can have a runtime again.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { File, prep, Runtime, runtime, TcpListener, TcpStream } from 'onering';
import { setTimeout as ringTimeout } from 'onering/timers/promises';
import { openEcho, report } from './load.mjs';

const FILE_SIZE = 4 * 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'onering-close-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
const path = join(folder, 'file');
writeFileSync(path, Buffer.alloc(FILE_SIZE, 5));
const fifo = join(folder, 'fifo');
execFileSync('mkfifo', [fifo], { stdio: 'ignore' });

const before = descriptors();
const ring = new Runtime();
const isOnRing = ring.backend === 'uring';
const settled = {};
const pending = [];

const { listener, connect } = await openEcho();
const idle = await connect();
const busy = await connect();
const lonely = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
const file = await File.open(path);

follow('read', idle.read());
follow('accept', lonely.accept());
follow('write', busy.write(Buffer.alloc(32 * 1024 * 1024)));
for (let n = 0; n < 4; n += 1) follow('file', file.read(Buffer.alloc(FILE_SIZE), { position: 0 }));
follow('open', File.open(path));
follow('nop', ring.nop());
follow('timer', ringTimeout(50));
if (isOnRing) {
  follow('fifo', File.open(fifo));
  follow(
    'poll',
    ring.submit((sqe) => prep.prepPollAdd(sqe, 0x7fff_ffff, 1)),
  );
  follow(
    'waiting',
    ring.submit((sqe) => prep.prepPollAdd(sqe, ring.engine.ring.fd, 0)),
  );
  const often = ring.multishot((sqe) => prep.prepPollAdd(sqe, ring.engine.ring.fd, 0));
  follow('multishot', often.next());
}
follow('connect', TcpStream.connect({ hostname: '127.0.0.1', port: lonely.address().port }));

const startMs = performance.now();
await ring.close();
const closedMs = performance.now() - startMs;
await Promise.all([ring.close(), ...pending, idle.close(), busy.close(), listener.close()]);
const { inFlight } = ring.metrics();
await file.close();
await new Promise((resolve) => setTimeout(resolve, 20));
const left = descriptors().filter((entry) => !before.includes(entry));

const again = runtime();
await again.nop();
await again.close();
report({ settled, closedMs, inFlight, left, lateCompletions: ring.metrics().lateCompletions });

/** Notes how a promise ends: a value, or the error's code. */
function follow(name, promise) {
  const note = (outcome) => void (settled[name] = [...(settled[name] ?? []), outcome]);
  const succeeded = async (value) => {
    note(typeof value === 'number' ? value : 'done');
    if (typeof value?.close === 'function') await value.close();
  };
  pending.push(promise.then(succeeded, (error) => note(error.code ?? error.name)));
}

/** What is open that is not Node's own: eventfds, and what it keeps for when none is left. */
function descriptors() {
  return readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return `${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`;
      } catch {
        // The descriptor that read the directory is gone by now.
        return undefined;
      }
    })
    .filter((entry) => entry !== undefined && !/eventfd|\/dev\/null/.test(entry));
}
