/**
 * Entries for operations on a path, beside what liburing fills for the same arguments.
 *
 * The words were printed once by a C program that includes liburing 2.15 (commit 27255f4c), built
 * with gcc 12 on x86-64; they are an independent source of truth and not to be made from our code.
 */

import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_STATX_DONT_SYNC,
  AT_SYMLINK_FOLLOW,
  O_CLOEXEC,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  RENAME_NOREPLACE,
  STATX_BASIC_STATS,
  STATX_BTIME,
  XATTR_CREATE,
  XATTR_REPLACE,
} from '../../../src/native/constants/files.ts';
import { IORING_FILE_INDEX_ALLOC } from '../../../src/native/constants/io-uring.ts';
import * as paths from '../../../src/native/prep/paths.ts';
import {
  prepFgetxattr,
  prepFsetxattr,
  prepGetxattr,
  prepLinkat,
  prepMkdirat,
  prepOpenat,
  prepOpenat2,
  prepOpenat2Direct,
  prepOpenatDirect,
  prepRenameat,
  prepSetxattr,
  prepStatx,
  prepSymlinkat,
  prepUnlinkat,
} from '../../../src/native/prep/paths.ts';
import { describeEntries } from '../../support/recorded-entries.ts';
import type { RecordedEntry } from '../../support/recorded-entries.ts';

const entries: readonly RecordedEntry[] = [
  {
    name: 'prepOpenat',
    fill: (sqe) => prepOpenat(sqe, AT_FDCWD, 0x7f0123456780, O_CREAT | O_RDWR | O_CLOEXEC, 0o644),
    words: [
      '00000012 ffffff9c 00000000 00000000 23456780 00007f01 000001a4 00080042',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepOpenatDirect',
    fill: (sqe) => prepOpenatDirect(sqe, 5, 0x7f0123456780, O_RDONLY, 0, 6),
    words: [
      '00000012 00000005 00000000 00000000 23456780 00007f01 00000000 00000000',
      '00000000 00000007 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: "prepOpenatDirect into a slot of the kernel's choice",
    fill: (sqe) => prepOpenatDirect(sqe, 5, 0x7f0123456780, O_WRONLY, 0, IORING_FILE_INDEX_ALLOC),
    words: [
      '00000012 00000005 00000000 00000000 23456780 00007f01 00000000 00000001',
      '00000000 ffffffff 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepOpenat2',
    fill: (sqe) => prepOpenat2(sqe, 5, 0x7f0123456780, 0x7ffedcba9870),
    words: [
      '0000001c 00000005 dcba9870 00007ffe 23456780 00007f01 00000018 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepOpenat2Direct',
    fill: (sqe) => prepOpenat2Direct(sqe, AT_FDCWD, 0x7f0123456780, 0x7ffedcba9870, 0),
    words: [
      '0000001c ffffff9c dcba9870 00007ffe 23456780 00007f01 00000018 00000000',
      '00000000 00000001 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepStatx',
    fill: (sqe) =>
      prepStatx(
        sqe,
        7,
        0x7f0123456780,
        AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
        STATX_BASIC_STATS | STATX_BTIME,
        0x7ffedcba9870,
      ),
    words: [
      '00000015 00000007 dcba9870 00007ffe 23456780 00007f01 00000fff 00005000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepUnlinkat',
    fill: (sqe) => prepUnlinkat(sqe, 8, 0x7f0123456780, AT_REMOVEDIR),
    words: [
      '00000024 00000008 00000000 00000000 23456780 00007f01 00000000 00000200',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepRenameat',
    fill: (sqe) => prepRenameat(sqe, 8, 0x7f0123456780, AT_FDCWD, 0x7ffedcba9870, RENAME_NOREPLACE),
    words: [
      '00000023 00000008 dcba9870 00007ffe 23456780 00007f01 ffffff9c 00000001',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepMkdirat',
    fill: (sqe) => prepMkdirat(sqe, 8, 0x7f0123456780, 0o755),
    words: [
      '00000025 00000008 00000000 00000000 23456780 00007f01 000001ed 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepSymlinkat',
    fill: (sqe) => prepSymlinkat(sqe, 0x7f0123456780, 8, 0x7ffedcba9870),
    words: [
      '00000026 00000008 dcba9870 00007ffe 23456780 00007f01 00000000 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepLinkat',
    fill: (sqe) => prepLinkat(sqe, 8, 0x7f0123456780, 9, 0x7ffedcba9870, AT_SYMLINK_FOLLOW),
    words: [
      '00000027 00000008 dcba9870 00007ffe 23456780 00007f01 00000009 00000400',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepGetxattr',
    fill: (sqe) => prepGetxattr(sqe, 0x7f0123456780, 0x7ffedcba9870, 0x5501aabbccd0, 255),
    words: [
      '0000002c 00000000 dcba9870 00007ffe 23456780 00007f01 000000ff 00000000',
      '00000000 00000000 aabbccd0 00005501 00000000 00000000',
    ],
  },
  {
    name: 'prepSetxattr',
    fill: (sqe) =>
      prepSetxattr(sqe, 0x7f0123456780, 0x7ffedcba9870, 0x5501aabbccd0, XATTR_CREATE, 16),
    words: [
      '0000002a 00000000 dcba9870 00007ffe 23456780 00007f01 00000010 00000001',
      '00000000 00000000 aabbccd0 00005501 00000000 00000000',
    ],
  },
  {
    name: 'prepFgetxattr',
    fill: (sqe) => prepFgetxattr(sqe, 10, 0x7f0123456780, 0x7ffedcba9870, 255),
    words: [
      '0000002b 0000000a dcba9870 00007ffe 23456780 00007f01 000000ff 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepFsetxattr',
    fill: (sqe) => prepFsetxattr(sqe, 10, 0x7f0123456780, 0x7ffedcba9870, XATTR_REPLACE, 16),
    words: [
      '00000029 0000000a dcba9870 00007ffe 23456780 00007f01 00000010 00000002',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
];

describeEntries('prep/paths', paths, entries);
