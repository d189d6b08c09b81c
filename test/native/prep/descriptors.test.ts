/**
 * Entries for operations on descriptors, beside what liburing fills for the same arguments.
 *
 * The words were printed once by a C program that includes liburing 2.15 (commit 27255f4c), built
 * with gcc 12 on x86-64; they are an independent source of truth and not to be made from our code.
 */

import { O_CLOEXEC, O_NONBLOCK } from '../../../src/native/constants/files.ts';
import {
  IORING_FILE_INDEX_ALLOC,
  IORING_FIXED_FD_NO_CLOEXEC,
} from '../../../src/native/constants/io-uring.ts';
import * as descriptors from '../../../src/native/prep/descriptors.ts';
import {
  prepClose,
  prepCloseDirect,
  prepFilesUpdate,
  prepFixedFdInstall,
  prepPipe,
  prepPipeDirect,
} from '../../../src/native/prep/descriptors.ts';
import { describeEntries } from '../../support/recorded-entries.ts';
import type { RecordedEntry } from '../../support/recorded-entries.ts';

const entries: readonly RecordedEntry[] = [
  {
    name: 'prepClose',
    fill: (sqe) => prepClose(sqe, 11),
    words: [
      '00000013 0000000b 00000000 00000000 00000000 00000000 00000000 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepCloseDirect',
    fill: (sqe) => prepCloseDirect(sqe, 12),
    words: [
      '00000013 00000000 00000000 00000000 00000000 00000000 00000000 00000000',
      '00000000 0000000d 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepFilesUpdate',
    fill: (sqe) => prepFilesUpdate(sqe, 0x7f0123456780, 4, 16),
    words: [
      '00000014 ffffffff 00000010 00000000 23456780 00007f01 00000004 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: "prepFilesUpdate with slots of the kernel's choice",
    fill: (sqe) => prepFilesUpdate(sqe, 0x7f0123456780, 4, IORING_FILE_INDEX_ALLOC),
    words: [
      '00000014 ffffffff ffffffff ffffffff 23456780 00007f01 00000004 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepFixedFdInstall',
    fill: (sqe) => prepFixedFdInstall(sqe, 13, IORING_FIXED_FD_NO_CLOEXEC),
    words: [
      '00000136 0000000d 00000000 00000000 00000000 00000000 00000000 00000001',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepPipe',
    fill: (sqe) => prepPipe(sqe, 0x7f0123456780, O_CLOEXEC | O_NONBLOCK),
    words: [
      '0000003e 00000000 00000000 00000000 23456780 00007f01 00000000 00080800',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepPipeDirect',
    fill: (sqe) => prepPipeDirect(sqe, 0x7f0123456780, 0, 14),
    words: [
      '0000003e 00000000 00000000 00000000 23456780 00007f01 00000000 00000000',
      '00000000 0000000f 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: "prepPipeDirect into slots of the kernel's choice",
    fill: (sqe) => prepPipeDirect(sqe, 0x7f0123456780, 0, IORING_FILE_INDEX_ALLOC),
    words: [
      '0000003e 00000000 00000000 00000000 23456780 00007f01 00000000 00000000',
      '00000000 ffffffff 00000000 00000000 00000000 00000000',
    ],
  },
];

describeEntries('prep/descriptors', descriptors, entries);
