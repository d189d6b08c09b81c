/**
 * One kernel from its name to its findings: fetched or found, packed with this build, booted,
 * listened to, judged. Several kernels run one after the other: an emulated machine keeps both of
 * its processors busy.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CachedKernel } from './archive.ts';
import type { Line } from './guest/protocol.ts';
import { writeInitramfs } from './initramfs.ts';
import { bootMachine } from './machine.ts';
import type { Accelerator } from './machine.ts';
import { judge, parseLine } from './report.ts';
import type { Findings } from './report.ts';

/** The kernels that are looked at unless others are named: by series, the newest of each. */
export const kernelNames: readonly string[] = ['6.1', '6.12', '6.18', '7'];

/** What is run, and how. */
export interface Experiment {
  readonly kernel: CachedKernel;
  readonly accelerator: Accelerator;
  /** When it is ended, whatever it does: a time of `performance.now()`. */
  readonly endMs: number;
  /** Programs of the guest, or all. */
  readonly only?: readonly string[];
  /** Called with each line as it arrives. */
  readonly onLine?: (line: Line) => void;
}

/** Boots a kernel with the build of the project in `root`, runs the programs, and judges. */
export async function examine(root: string, experiment: Experiment): Promise<Findings> {
  const { kernel, accelerator, endMs, only, onLine } = experiment;
  const folder = mkdtempSync(join(tmpdir(), 'onering-kernel-'));
  const clear = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', clear);
  try {
    const initramfs = join(folder, 'initramfs.cpio');
    writeInitramfs(initramfs, root, kernel);
    const lines: Line[] = [];
    const shutdown = await bootMachine({
      image: kernel.image,
      initramfs,
      folder,
      accelerator,
      endMs,
      parameters: only === undefined ? [] : [`onering.only=${only.join(',')}`],
      onLine(text) {
        const line = parseLine(text);
        if (line === null) return;
        lines.push(line);
        onLine?.(line);
      },
    });
    return judge(kernel.name, lines, shutdown);
  } finally {
    process.off('exit', clear);
    clear();
  }
}
