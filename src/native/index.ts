/**
 * Door for the runtime: everything of `abi.ts`, and the impure part.
 */

export * from './abi.ts';
export { linuxHost } from './kernel.ts';
export type { Host, Kernel } from './kernel.ts';
export type { HostLoop } from './loop.ts';
export { PAGE_SIZE } from './memory.ts';
export type { Memory } from './memory.ts';
