/**
 * Memory that is registered with the ring, so that the kernel pins its pages: the slots of a
 * buffer ring, registered buffers. Not for what operations only borrow.
 *
 * Before Linux 6.5 the kernel refuses to pin System V segments (`-EOPNOTSUPP`), which is what a
 * worker's memory is. It then gets a mapping that nothing unmaps if the worker is terminated:
 * those pages are lost until the process ends, and what a device still writes hurts nobody.
 */

import { EOPNOTSUPP } from '../native/index.ts';
import type { Kernel, Memory } from '../native/index.ts';
import { systemError } from './errors.ts';

/**
 * Maps zeroed memory and has it registered. `register` returns what the kernel did.
 *
 * @throws the kernel's `SystemError`; nothing stays mapped then.
 */
export function mapRegistered(
  kernel: Kernel,
  size: number,
  register: (memory: Memory) => number,
): Memory {
  const memory = mapped(kernel.allocate(size));
  const result = register(memory);
  if (result >= 0) return memory;
  memory.free();
  if (result !== -EOPNOTSUPP) throw systemError(result, 'io_uring_register');
  const mapping = mapped(kernel.allocateMapping(size));
  const second = register(mapping);
  if (second >= 0) return mapping;
  mapping.free();
  throw systemError(second, 'io_uring_register');
}

function mapped(memory: Memory | number): Memory {
  if (typeof memory === 'number') throw systemError(memory, 'mmap');
  return memory;
}
