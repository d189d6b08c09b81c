/**
 * Entries for operations on an open file, beside what liburing fills for the same arguments.
 *
 * The words were printed once by a C program that includes liburing 2.15 (commit 27255f4c), built
 * with gcc 12 on x86-64; they are an independent source of truth and not to be made from our code.
 */

import {
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  POSIX_FADV_DONTNEED,
  POSIX_FADV_WILLNEED,
  RWF_DSYNC,
  RWF_HIPRI,
  RWF_NOWAIT,
  RWF_SYNC,
  SPLICE_F_MOVE,
  SPLICE_F_NONBLOCK,
  SYNC_FILE_RANGE_WRITE,
} from '../../../src/native/constants/files.ts';
import {
  IORING_FSYNC_DATASYNC,
  SPLICE_F_FD_IN_FIXED,
} from '../../../src/native/constants/io-uring.ts';
import { MADV_COLD, MADV_HUGEPAGE } from '../../../src/native/constants/memory.ts';
import * as files from '../../../src/native/prep/files.ts';
import {
  prepFadvise,
  prepFadvise64,
  prepFallocate,
  prepFsync,
  prepFtruncate,
  prepMadvise,
  prepMadvise64,
  prepRead,
  prepReadFixed,
  prepReadMultishot,
  prepReadv,
  prepReadvFixed,
  prepSplice,
  prepSyncFileRange,
  prepTee,
  prepWrite,
  prepWriteFixed,
  prepWritev,
  prepWritevFixed,
} from '../../../src/native/prep/files.ts';
import { describeEntries } from '../../support/recorded-entries.ts';
import type { RecordedEntry } from '../../support/recorded-entries.ts';

const entries: readonly RecordedEntry[] = [
  {
    name: 'prepRead',
    fill: (sqe) => prepRead(sqe, 7, 0x7f0123456780, 4096, 0x123456789),
    words: [
      '00000016 00000007 23456789 00000001 23456780 00007f01 00001000 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepRead at the current position',
    fill: (sqe) => prepRead(sqe, 7, 0x7f0123456780, 0x7ffff000, -1),
    words: [
      '00000016 00000007 ffffffff ffffffff 23456780 00007f01 7ffff000 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepRead at the largest safe offset',
    fill: (sqe) => prepRead(sqe, 7, 0x7f0123456780, 1, Number.MAX_SAFE_INTEGER),
    words: [
      '00000016 00000007 ffffffff 001fffff 23456780 00007f01 00000001 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepWrite',
    fill: (sqe) => prepWrite(sqe, 8, 0x7ffedcba9870, 512, 0x80000000),
    words: [
      '00000017 00000008 80000000 00000000 dcba9870 00007ffe 00000200 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepReadv',
    fill: (sqe) => prepReadv(sqe, 9, 0x7f0123456780, 3, 0xffffffff, RWF_NOWAIT),
    words: [
      '00000001 00000009 ffffffff 00000000 23456780 00007f01 00000003 00000008',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepWritev',
    fill: (sqe) => prepWritev(sqe, 9, 0x7f0123456780, 5, -1, RWF_DSYNC),
    words: [
      '00000002 00000009 ffffffff ffffffff 23456780 00007f01 00000005 00000002',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepReadFixed',
    fill: (sqe) => prepReadFixed(sqe, 10, 0x7f0123456780, 65536, 8192, 0x8123),
    words: [
      '00000004 0000000a 00002000 00000000 23456780 00007f01 00010000 00000000',
      '00008123 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepWriteFixed',
    fill: (sqe) => prepWriteFixed(sqe, 10, 0x7f0123456780, 65536, 8192, 3),
    words: [
      '00000005 0000000a 00002000 00000000 23456780 00007f01 00010000 00000000',
      '00000003 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepReadvFixed',
    fill: (sqe) => prepReadvFixed(sqe, 11, 0x7f0123456780, 2, 4096, RWF_HIPRI, 4),
    words: [
      '0000003c 0000000b 00001000 00000000 23456780 00007f01 00000002 00000001',
      '00000004 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepWritevFixed',
    fill: (sqe) => prepWritevFixed(sqe, 11, 0x7f0123456780, 2, 4096, RWF_SYNC, 5),
    words: [
      '0000003d 0000000b 00001000 00000000 23456780 00007f01 00000002 00000004',
      '00000005 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepReadMultishot',
    fill: (sqe) => prepReadMultishot(sqe, 12, 0, -1, 0xfffe),
    words: [
      '00002031 0000000c ffffffff ffffffff 00000000 00000000 00000000 00000000',
      '0000fffe 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepFsync',
    fill: (sqe) => prepFsync(sqe, 13, IORING_FSYNC_DATASYNC),
    words: [
      '00000003 0000000d 00000000 00000000 00000000 00000000 00000000 00000001',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepSyncFileRange',
    fill: (sqe) => prepSyncFileRange(sqe, 14, 4096, 0x200000000, SYNC_FILE_RANGE_WRITE),
    words: [
      '00000008 0000000e 00000000 00000002 00000000 00000000 00001000 00000002',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepFallocate',
    fill: (sqe) =>
      prepFallocate(sqe, 15, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0x300000000, 0x180000000),
    words: [
      '00000011 0000000f 00000000 00000003 80000000 00000001 00000003 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepFtruncate',
    fill: (sqe) => prepFtruncate(sqe, 16, 0x280000001),
    words: [
      '00000037 00000010 80000001 00000002 00000000 00000000 00000000 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepFadvise',
    fill: (sqe) => prepFadvise(sqe, 17, 0x140000000, 65536, POSIX_FADV_WILLNEED),
    words: [
      '00000018 00000011 40000000 00000001 00000000 00000000 00010000 00000003',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepFadvise64',
    fill: (sqe) => prepFadvise64(sqe, 17, 4096, 0x240000000, POSIX_FADV_DONTNEED),
    words: [
      '00000018 00000011 00001000 00000000 40000000 00000002 00000000 00000004',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepMadvise',
    fill: (sqe) => prepMadvise(sqe, 0x7f0123456780, 65536, MADV_HUGEPAGE),
    words: [
      '00000019 ffffffff 00000000 00000000 23456780 00007f01 00010000 0000000e',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepMadvise64',
    fill: (sqe) => prepMadvise64(sqe, 0x7f0123456780, 0x340000000, MADV_COLD),
    words: [
      '00000019 ffffffff 40000000 00000003 23456780 00007f01 00000000 00000014',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepSplice',
    fill: (sqe) =>
      prepSplice(sqe, 18, 0x440000000, 19, -1, 65536, SPLICE_F_MOVE | SPLICE_F_FD_IN_FIXED),
    words: [
      '0000001e 00000013 ffffffff ffffffff 40000000 00000004 00010000 80000001',
      '00000000 00000012 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepSplice out of a pipe',
    fill: (sqe) => prepSplice(sqe, 18, -1, 19, 512, 65536, 0),
    words: [
      '0000001e 00000013 00000200 00000000 ffffffff ffffffff 00010000 00000000',
      '00000000 00000012 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepTee',
    fill: (sqe) => prepTee(sqe, 20, 21, 4096, SPLICE_F_NONBLOCK),
    words: [
      '00000021 00000015 00000000 00000000 00000000 00000000 00001000 00000002',
      '00000000 00000014 00000000 00000000 00000000 00000000',
    ],
  },
];

describeEntries('prep/files', files, entries);
