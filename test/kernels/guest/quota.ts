/**
 * A user's quota on ext4: what fits is written and said to be, and then writes fail with `EDQUOT`.
 *
 * The administrator sets it and is above it, so the checks run as somebody without privileges.
 */

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import koffi from 'koffi';
import { File, runtime } from 'onering';
import * as fs from 'onering/fs/promises';
import { setTimeout as sleep } from 'onering/timers/promises';
import { runChecks } from './checks.ts';

const NOBODY = 65_534;
const LIMIT = 256 * 1024;
/** `QCMD(Q_SETQUOTA, USRQUOTA)`, what it sets, and in which unit. */
const SET_QUOTA = 0x80_00_08 << 8;
const QIF_BLIMITS = 1;
const QIF_DQBLKSIZE = 1024;
/** Of `struct if_dqblk`: eight words of 64 bits, the hard limit first, and which are valid. */
const DQBLK_SIZE = 72;
const DQBLK_VALID = 64;

const PATIENCE_MS = 5000;
const PAUSE_MS = 100;

const disk = process.env['ONERING_EXT4'] ?? '';
const folder = `${disk}/quota`;
/** No two words of it alike: what is missing or in the wrong place shows. */
const data = Buffer.from(Uint32Array.from({ length: LIMIT / 2 }, (_, word) => word).buffer);
/** libuv has no name for it. */
const code = process.env['ONERING_BACKEND'] === 'uring' ? 'EDQUOT' : 'Unknown system error -122';
const exceeded = { code, syscall: 'write' };

limitSpace();
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
// Not his own, or its block would count too.
chmodSync(folder, 0o777);
process.setgroups?.([]);
process.setgid?.(NOBODY);
process.setuid?.(NOBODY);

/** Sets the hard limit of the user without privileges, as setquota(8) does. */
function limitSpace(): void {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  const [device] = mounts.map((line) => line.split(' ')).find(([, on]) => on === disk) ?? [];
  const quotactl = koffi.load(null).func('quotactl', 'int', ['int', 'str', 'int', 'void *']);
  const limits = Buffer.alloc(DQBLK_SIZE);
  limits.writeBigUInt64LE(BigInt(LIMIT / QIF_DQBLKSIZE));
  limits.writeUInt32LE(QIF_BLIMITS, DQBLK_VALID);
  const outcome = quotactl(SET_QUOTA, device ?? '', NOBODY, limits) as number;
  assert.equal(outcome, 0, `quotactl of ${device} failed with errno ${koffi.errno()}`);
}

/** What is in the file is the beginning of the data, and no more than was allowed. */
function assertPrefix(path: string, size?: number): void {
  const content = readFileSync(path);
  assert.ok(content.length <= LIMIT, `${content.length} bytes`);
  if (size !== undefined) assert.equal(content.length, size);
  assert.ok(content.equals(data.subarray(0, content.length)));
}

/** Fills the file, and waits for room: some kernels let go of a deleted file a little later. */
async function fill(path: string): Promise<void> {
  for (let left = PATIENCE_MS / PAUSE_MS; ; left -= 1) {
    try {
      await fs.writeFile(path, data.subarray(0, LIMIT));
      return;
    } catch (error) {
      if (left <= 0) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

const path = join(folder, 'file');

await runChecks({
  'a file takes what the quota allows, then says so': async () => {
    await fill(path);
    const file = await File.open(path, 'r+');
    await assert.rejects(file.write(data, { position: LIMIT }), exceeded);
    await assert.rejects(file.append('more', { sync: 'data' }), exceeded);
    await file.close();
    await assert.rejects(fs.appendFile(path, 'more'), exceeded);
    assertPrefix(path, LIMIT);
    await fs.unlink(path);
  },
  // How much of a write fits is the file system's to say: with large folios all or nothing.
  'a write across the limit says how much there was room for': async () => {
    await fill(path);
    await fs.truncate(path, LIMIT / 2);
    const handle = await fs.open(path, 'r+');
    const rest = data.subarray(LIMIT / 2);
    const outcome = await handle.write(rest, 0, rest.length, LIMIT / 2).catch((error) => error);
    if (outcome instanceof Error) await assert.rejects(Promise.reject(outcome), exceeded);
    assertPrefix(path, LIMIT / 2 + (outcome.bytesWritten ?? 0));
    await handle.close();
    await fs.unlink(path);
  },
  'a whole file is not said to be written': async () => {
    await assert.rejects(File.writeWhole(path, data), exceeded);
    assertPrefix(path);
    await assert.rejects(fs.writeFile(path, data), exceeded);
    assertPrefix(path);
    await fs.unlink(path);
  },
  'there is room again where something was deleted': async () => {
    await fill(path);
    assertPrefix(path, LIMIT);
    await fs.unlink(path);
  },
});
await runtime().close();
