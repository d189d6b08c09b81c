/**
 * Machines that do not get far: an emulator that cannot begin is missing, and no machine runs
 * longer than it was given. Without the emulator there is nothing to look at.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findProgram } from './commands.ts';
import { bootMachine } from './machine.ts';
import type { Shutdown } from './machine.ts';
import { Missing } from './missing.ts';

const folder = mkdtempSync(join(tmpdir(), 'onering-machine-'));
const image = join(folder, 'image');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function boot(endMs: number): Promise<Shutdown> {
  const onLine = (): void => {};
  const parameters: string[] = [];
  const machine = { image, initramfs: image, accelerator: 'tcg' as const, parameters, onLine };
  return bootMachine({ ...machine, folder, endMs });
}

const isThere = ['qemu-system-x86_64', 'mke2fs'].every((name) => findProgram(name) !== undefined);

describe.runIf(isThere)('bootMachine', () => {
  it('says that the emulator could not begin', async () => {
    await expect(boot(Infinity)).rejects.toThrow(Missing);
  });

  it('ends a machine when its time is over', async () => {
    writeFileSync(image, endlessKernel());
    const before = performance.now();
    const { isCut } = await boot(before + 300);
    expect(isCut).toBe(true);
  }, 20_000);
});

/** As much of a kernel as an emulator looks at, and an endless loop. */
function endlessKernel(): Buffer {
  const kernel = Buffer.alloc(4096);
  kernel[0x1f1] = 1; // Sectors of what sets it up.
  kernel.writeUInt16LE(0xaa55, 0x1fe);
  kernel.writeUInt16BE(0xebfe, 0x200); // Jumps to itself.
  kernel.write('HdrS', 0x202);
  kernel.writeUInt16LE(0x0204, 0x206);
  kernel[0x211] = 1;
  kernel.writeUInt32LE(0x37ffffff, 0x22c); // Where an initramfs may end.
  return kernel;
}
