/**
 * The real kernel with a note of everything that it handed out and did not get back.
 *
 * For tests of what opens rings of its own and must leave nothing: descriptors from every source,
 * completions included, and mappings of every kind. A test may change single calls on top of it.
 */

import { linuxHost } from '../../src/native/index.ts';
import type { Host, Kernel, Memory } from '../../src/native/index.ts';

/** What is open at the moment. */
export interface Recording {
  readonly host: Host;
  readonly descriptors: Set<number>;
  readonly mappings: Set<Memory>;
}

/** Records the calls of this machine's kernel; `changes` replaces some of them. */
export function recordKernel(changes: (kernel: Kernel) => Partial<Kernel> = () => ({})): Recording {
  const real = linuxHost();
  if (typeof real === 'string') throw new Error(real);
  const descriptors = new Set<number>();
  const mappings = new Set<Memory>();
  const keep = (fd: number): number => {
    if (fd >= 0) descriptors.add(fd);
    return fd;
  };
  const { kernel } = real;
  const recording: Kernel = {
    ...kernel,
    ioUringSetup: (entries, params) => keep(kernel.ioUringSetup(entries, params)),
    socket: (family, type, protocol) => keep(kernel.socket(family, type, protocol)),
    closeOnExit: (fd) => kernel.closeOnExit(keep(fd)),
    close(fd) {
      descriptors.delete(fd);
      return kernel.close(fd);
    },
    allocate: (size) => keepMapping(mappings, kernel.allocate(size)),
    allocateMapping: (size) => keepMapping(mappings, kernel.allocateMapping(size)),
    mapRing: (fd, offset, size) => keepMapping(mappings, kernel.mapRing(fd, offset, size)),
  };
  const host = { ...real, kernel: { ...recording, ...changes(recording) } };
  return { host, descriptors, mappings };
}

function keepMapping(mappings: Set<Memory>, memory: Memory | number): Memory | number {
  if (typeof memory === 'number') return memory;
  const kept: Memory = {
    ...memory,
    free() {
      mappings.delete(kept);
      memory.free();
    },
  };
  mappings.add(kept);
  return kept;
}
