/**
 * Direct I/O on this kernel: raw blocks of an NVMe disk and of null_blk, and a file on ext4. Many
 * reads and writes in flight, checked against what was written.
 */

import assert from 'node:assert/strict';
import { constants, rmSync } from 'node:fs';
import { File, prep, runtime } from 'onering';
import type { RegisteredBuffer } from 'onering';
import { runChecks, skip } from './checks.ts';

const BLOCK_SIZE = 4096;
const BLOCK_COUNT = 256;
const DEPTH = 32;

const nvme = process.env['ONERING_NVME'] ?? '';
const nullBlock = process.env['ONERING_NULL_BLK'] ?? '';
const onExt4 = `${process.env['ONERING_EXT4']}/direct`;
const flags = constants.O_RDWR | constants.O_CREAT | constants.O_DIRECT;
const ring = runtime();

/** Mapped memory is aligned as direct I/O wants it. */
function allocateBlocks(): RegisteredBuffer[] {
  return Array.from({ length: DEPTH }, () => ring.buffers.allocate(BLOCK_SIZE));
}

async function throughBuffers(path: string): Promise<void> {
  const blocks = allocateBlocks();
  const file = await File.open(path, flags);
  const positions = Array.from({ length: BLOCK_COUNT }, (_, block) => block);
  const inParallel = (body: (block: number, buffer: RegisteredBuffer) => Promise<void>) => {
    const left = [...positions];
    return Promise.all(
      blocks.map(async (buffer) => {
        for (let block = left.shift(); block !== undefined; block = left.shift()) {
          await body(block, buffer);
        }
      }),
    );
  };
  await inParallel(async (block, { bytes }) => {
    bytes.fill(block);
    bytes.writeUInt32LE(block);
    assert.equal(await file.write(bytes, { position: block * BLOCK_SIZE }), BLOCK_SIZE);
  });
  await file.datasync();
  await inParallel(async (block, { bytes }) => {
    bytes.fill(0);
    assert.equal(await file.read(bytes, { position: block * BLOCK_SIZE }), BLOCK_SIZE);
    assert.equal(bytes.readUInt32LE(), block);
    assert.equal(bytes[BLOCK_SIZE - 1], block & 0xff);
  });
  await inParallel(async (block, { bytes, address, index }) => {
    bytes.fill(0);
    const count = await ring.submit((sqe) => {
      prep.prepReadFixed(sqe, file.fd, address, BLOCK_SIZE, block * BLOCK_SIZE, index);
    });
    assert.equal(count, BLOCK_SIZE);
    assert.equal(bytes.readUInt32LE(), block);
  });
  await assert.rejects(file.read(blocks[0]!.bytes, { length: 100, position: 1 }), {
    code: 'EINVAL',
  });
  await file.close();
  for (const block of blocks) block.release();
  assert.equal(ring.metrics().inFlight, 0);
}

await runChecks({
  'direct I/O on an NVMe disk': () => throughBuffers(nvme),
  'direct I/O on null_blk': () => throughBuffers(nullBlock),
  'direct I/O on ext4': async () => {
    await throughBuffers(onExt4);
    rmSync(onExt4);
  },
  'flushes a disk': async () => {
    if (nvme === '') skip('no disk');
    const file = await File.open(nvme, 'r+');
    await file.sync();
    await file.close();
  },
});
await ring.close();
