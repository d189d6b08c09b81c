/**
 * New memory for the content of a large file. Filling it costs a page fault for each page, which
 * takes longer than copying the page's content; so the kernel is asked for huge pages.
 *
 * Advice only: where there are none, or the administrator has turned them off, nothing changes.
 */

import { MADV_HUGEPAGE } from '../../native/abi.ts';
import type { Engine } from '../../runtime/index.ts';

/** A huge page of x86-64, and of arm64 with pages of 4 KiB. */
const HUGE_PAGE_SIZE = 2 * 1024 * 1024;
/** Below, not much of it would be in huge pages. */
const ADVISED_SIZE_MIN: number = 2 * HUGE_PAGE_SIZE;

/** Memory of V8's own, not zeroed. */
export function allocateFresh(engine: Engine, size: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(size);
  if (size < ADVISED_SIZE_MIN) return buffer;
  const address = engine.addresses.of(buffer);
  // Only pages that are all the buffer's: its neighbors keep what they have.
  const start = Math.ceil(address / HUGE_PAGE_SIZE) * HUGE_PAGE_SIZE;
  const end = Math.floor((address + size) / HUGE_PAGE_SIZE) * HUGE_PAGE_SIZE;
  engine.calls.advise(start, end - start, MADV_HUGEPAGE);
  return buffer;
}
