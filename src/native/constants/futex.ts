/**
 * Constants of `<linux/futex.h>` in the C spelling.
 */

// Sizes and flags of the futexes that io_uring and futex_waitv(2) wait for.
export const FUTEX2_SIZE_U8 = 0;
export const FUTEX2_SIZE_U16 = 1;
export const FUTEX2_SIZE_U32 = 2;
export const FUTEX2_SIZE_U64 = 3;
export const FUTEX2_NUMA = 4;
export const FUTEX2_PRIVATE = 0x80;

// The mask that matches every waiter, and how many futexes one wait may name.
export const FUTEX_BITSET_MATCH_ANY = 0xffffffff;
export const FUTEX_WAITV_MAX = 0x80;
