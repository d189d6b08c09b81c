/**
 * TCP between two network cards on this kernel: one of them lives in a network namespace of its
 * own, with an echo server, so that what is sent really goes through the driver.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { runtime, TcpListener, TcpStream } from 'onering';
import { runChecks } from './checks.ts';

const client = '10.77.0.1';
const server = '10.77.0.2';
const MESSAGE_SIZE = 1400;
const ROUNDS = 50;
const CONNECTIONS = 8;

if (process.argv[2] === 'serve') await serve();
else await runMain();

function ip(...args: string[]): void {
  const { status, stderr } = spawnSync('/bin/ip', args, { encoding: 'utf8' });
  assert.equal(status, 0, `ip ${args.join(' ')}: ${stderr}`);
}

/** Runs in the other namespace, until its standard input ends. */
async function serve(): Promise<void> {
  await once(process.stdin, 'data');
  ip('addr', 'add', `${server}/24`, 'dev', 'eth1');
  ip('link', 'set', 'eth1', 'up');
  const listener = await TcpListener.listen({
    hostname: server,
    port: 0,
    socket: { data: (socket, chunk) => void socket.write(chunk) },
  });
  process.stdout.write(`${listener.address().port}\n`);
  await once(process.stdin.resume(), 'end');
  await listener.close();
  await runtime().close();
}

async function runMain(): Promise<void> {
  const program = fileURLToPath(import.meta.url);
  const other = spawn('/bin/unshare', ['-n', process.execPath, program, 'serve'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(other, 'close');
  await runChecks({
    'echoes between two virtio cards': async () => {
      assert.ok(other.pid !== undefined);
      ip('addr', 'add', `${client}/24`, 'dev', 'eth0');
      ip('link', 'set', 'eth0', 'up');
      while (!isElsewhere(other.pid)) await runtime().nop();
      ip('link', 'set', 'eth1', 'netns', String(other.pid));
      other.stdin.write('go\n');
      const [line] = await once(createInterface(other.stdout), 'line');
      const port = Number(line);
      const sent = packetsOf('eth0');
      await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => exchange(port, i)));
      assert.ok(packetsOf('eth0') - sent >= CONNECTIONS * ROUNDS);
    },
    'the server ends when it is told to': async () => {
      other.stdin.end();
      assert.deepEqual(await ended, [0, null]);
    },
  });
  await runtime().close();
}

/** Whether a process has a network of its own by now. */
function isElsewhere(pid: number): boolean {
  return !readFileSync(`/proc/${pid}/net/dev`, 'utf8').includes('eth1');
}

function packetsOf(device: string): number {
  return Number(readFileSync(`/sys/class/net/${device}/statistics/tx_packets`, 'utf8'));
}

async function exchange(port: number, fill: number): Promise<void> {
  const stream = await TcpStream.connect({ hostname: server, port });
  const message = Buffer.alloc(MESSAGE_SIZE, fill);
  for (let round = 0; round < ROUNDS; round += 1) {
    await stream.write(message);
    for (let left = MESSAGE_SIZE; left > 0;) {
      const chunk = await stream.read();
      assert.ok(chunk !== null && chunk.every((byte) => byte === fill));
      left -= chunk.length;
    }
  }
  await stream.close();
}
