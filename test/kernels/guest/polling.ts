/**
 * Polled storage on this kernel: whether reads through a ring with `IORING_SETUP_IOPOLL` really are
 * polled, on an NVMe disk and on null_blk, and what waiting in the hybrid way saves.
 *
 * That they are polled shows in what does not happen: the disk raises no interrupt. As a control,
 * the same reads through an ordinary ring raise some.
 */

import assert from 'node:assert/strict';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { File, prep, runtime } from 'onering';
import type { PollMode } from 'onering';
import { figure, runChecks, skip } from './checks.ts';
import { RawRing } from './raw-ring.ts';

const BLOCK_SIZE = 4096;
const DEPTH = 32;
const READS = 4000;
const WARMUP_READS = 500;
/** Of the reads of a polled ring; the disk may have had something else to say. */
const INTERRUPTS_SHARE_MAX = 0.02;

const { IORING_SETUP_IOPOLL, IORING_SETUP_HYBRID_IOPOLL } = prep;
const nvme = process.env['ONERING_NVME'] ?? '';
const nullBlock = process.env['ONERING_NULL_BLK'] ?? '';
const [major = 0, minor = 0] = release().split('.').map(Number);
const hasHybrid = major > 6 || minor >= 13;

interface Run {
  readonly interrupts: number;
  readonly microsPerRead: number;
  readonly cpuMicrosPerRead: number;
}

/** Reads blocks, `DEPTH` in flight, and says what it cost. */
function readBlocks(path: string, flags: number): Run {
  const data = runtime().buffers.allocate(BLOCK_SIZE * DEPTH);
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECT);
  const ring = new RawRing(DEPTH, flags);
  let begun = 0;
  const begin = (slot: number): void => {
    const position = ((begun * 7919) % 4096) * BLOCK_SIZE;
    ring.read(fd, { address: data.address + slot * BLOCK_SIZE, size: BLOCK_SIZE, position }, slot);
    begun += 1;
  };
  const runOff = (count: number): void => {
    const end = begun + count;
    const left = { inFlight: DEPTH };
    for (let slot = 0; slot < DEPTH; slot += 1) begin(slot);
    while (left.inFlight > 0) {
      ring.reap((slot, result) => {
        assert.equal(result, BLOCK_SIZE, `a read ended with ${result}`);
        if (begun < end) begin(slot);
        else left.inFlight -= 1;
      });
    }
  };
  runOff(WARMUP_READS);
  const interrupts = countInterrupts();
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  runOff(READS);
  const elapsedMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpu);
  const raised = countInterrupts() - interrupts;
  ring.close();
  closeSync(fd);
  data.release();
  return {
    interrupts: raised,
    microsPerRead: (elapsedMs * 1000) / READS,
    cpuMicrosPerRead: (user + system) / READS,
  };
}

/** The same reads through the package's own polling, and that they were all polled. */
async function pollsFile(path: string, poll: PollMode, name: string): Promise<void> {
  const ring = runtime();
  const file = await File.open(path, { flags: 'r', direct: true, poll });
  // Memory that transfers recognize: what is polled is fixed as well, in the ring's own clone.
  const buffers = Array.from({ length: DEPTH }, () => ring.allocate(BLOCK_SIZE));
  const readAll = async (count: number): Promise<void> => {
    let begun = 0;
    await Promise.all(
      buffers.map(async (bytes) => {
        while (begun < count) {
          begun += 1;
          const position = ((begun * 7919) % 4096) * BLOCK_SIZE;
          assert.equal(await file.read(bytes, { position }), BLOCK_SIZE);
        }
      }),
    );
  };
  await readAll(WARMUP_READS);
  assert.equal(file.polling, poll);
  const before = ring.metrics();
  const interrupts = countInterrupts();
  const cpu = process.cpuUsage();
  await readAll(READS);
  const { user, system } = process.cpuUsage(cpu);
  const raised = countInterrupts() - interrupts;
  const after = ring.metrics();
  assert.equal(after.polledOperations - before.polledOperations, READS);
  assert.equal(after.polledRetries, before.polledRetries);
  assert.ok(raised <= READS * INTERRUPTS_SHARE_MAX, `${raised} interrupts`);
  await figure(`${name}: CPU per read`, (user + system) / READS, 'µs');
  await file.close();
  for (const buffer of buffers) ring.release(buffer);
}

/** Interrupts of NVMe queues so far, on all processors. */
function countInterrupts(): number {
  const lines = readFileSync('/proc/interrupts', 'utf8').split('\n');
  return lines
    .filter((line) => /\bnvme\d+q\d+\b/.test(line))
    .flatMap((line) => line.trim().split(/\s+/).slice(1).map(Number))
    .filter((count) => Number.isInteger(count))
    .reduce((sum, count) => sum + count, 0);
}

async function polls(path: string, flags: number, name: string): Promise<void> {
  const { interrupts, microsPerRead, cpuMicrosPerRead } = readBlocks(path, flags);
  assert.ok(interrupts <= READS * INTERRUPTS_SHARE_MAX, `${interrupts} interrupts`);
  await figure(`${name}: CPU per read`, cpuMicrosPerRead, 'µs');
  await figure(`${name}: time per read`, microsPerRead, 'µs');
}

await runChecks({
  'an ordinary ring is told by interrupts': () => {
    const { interrupts } = readBlocks(nvme, 0);
    assert.ok(interrupts > READS * INTERRUPTS_SHARE_MAX, `${interrupts} interrupts`);
  },
  'the disks have queues to poll': () => {
    for (const disk of [nvme, nullBlock]) {
      const name = disk.slice('/dev/'.length);
      assert.equal(readFileSync(`/sys/block/${name}/queue/io_poll`, 'utf8').trim(), '1', disk);
    }
  },
  'busy polling of an NVMe disk': () => polls(nvme, IORING_SETUP_IOPOLL, 'NVMe, busy'),
  'busy polling of null_blk': () => polls(nullBlock, IORING_SETUP_IOPOLL, 'null_blk, busy'),
  'hybrid polling of an NVMe disk': async () => {
    if (!hasHybrid) skip('needs Linux 6.13');
    await polls(nvme, IORING_SETUP_IOPOLL | IORING_SETUP_HYBRID_IOPOLL, 'NVMe, hybrid');
  },
  'File polls an NVMe disk, busy': () => pollsFile(nvme, 'busy', 'File on NVMe, busy'),
  'File polls null_blk, busy': () => pollsFile(nullBlock, 'busy', 'File on null_blk, busy'),
  'File polls an NVMe disk, hybrid': async () => {
    if (!hasHybrid) skip('needs Linux 6.13');
    await pollsFile(nvme, 'hybrid', 'File on NVMe, hybrid');
  },
  'File polls null_blk, hybrid': async () => {
    if (!hasHybrid) skip('needs Linux 6.13');
    await pollsFile(nullBlock, 'hybrid', 'File on null_blk, hybrid');
  },
  'File does without hybrid polling where there is none': async () => {
    if (hasHybrid) skip('this kernel has it');
    const file = await File.open(nvme, { flags: 'r', direct: true, poll: 'hybrid' });
    const buffer = runtime().buffers.allocate(BLOCK_SIZE);
    assert.equal(await file.read(buffer.bytes, { position: 0 }), BLOCK_SIZE);
    assert.equal(file.polling, false);
    await file.close();
    buffer.release();
  },
  'hybrid polling of null_blk': async () => {
    if (!hasHybrid) skip('needs Linux 6.13');
    await polls(nullBlock, IORING_SETUP_IOPOLL | IORING_SETUP_HYBRID_IOPOLL, 'null_blk, hybrid');
  },
});
await runtime().close();
