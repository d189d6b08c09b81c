/**
 * Entries for sends and receives, beside what liburing fills for the same arguments.
 *
 * The words were printed once by a C program that includes liburing 2.15 (commit 27255f4c), built
 * with gcc 12 on x86-64; they are an independent source of truth and not to be made from our code.
 */

import {
  IORING_RECVSEND_POLL_FIRST,
  IORING_SEND_ZC_REPORT_USAGE,
  IOSQE_BUFFER_SELECT,
  IOSQE_FIXED_FILE,
} from '../../../src/native/constants/io-uring.ts';
import {
  MSG_CMSG_CLOEXEC,
  MSG_DONTWAIT,
  MSG_MORE,
  MSG_NOSIGNAL,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
} from '../../../src/native/constants/sockets.ts';
import { setSqeBufferGroup, setSqeFlags } from '../../../src/native/layout/sqe.ts';
import * as transfers from '../../../src/native/prep/transfers.ts';
import {
  prepRecv,
  prepRecvMultishot,
  prepRecvmsg,
  prepRecvmsgMultishot,
  prepSend,
  prepSendBundle,
  prepSendZc,
  prepSendZcFixed,
  prepSendmsg,
  prepSendmsgZc,
  prepSendmsgZcFixed,
  prepSendto,
} from '../../../src/native/prep/transfers.ts';
import { describeEntries } from '../../support/recorded-entries.ts';
import type { RecordedEntry } from '../../support/recorded-entries.ts';

const entries: readonly RecordedEntry[] = [
  {
    name: 'prepSend',
    fill: (sqe) => prepSend(sqe, 31, 0x7f0123456780, 1460, MSG_NOSIGNAL | MSG_WAITALL),
    words: [
      '0000001a 0000001f 00000000 00000000 23456780 00007f01 000005b4 00004100',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepSendBundle',
    fill: (sqe) => prepSendBundle(sqe, 31, 0, MSG_NOSIGNAL),
    words: [
      '0010001a 0000001f 00000000 00000000 00000000 00000000 00000000 00004000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepSendto',
    fill: (sqe) => prepSendto(sqe, 32, 0x7f0123456780, 512, MSG_DONTWAIT, 0x7ffedcba9870, 28),
    words: [
      '0000001a 00000020 dcba9870 00007ffe 23456780 00007f01 00000200 00000040',
      '00000000 0000001c 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepSendZc',
    fill: (sqe) =>
      prepSendZc(sqe, 33, 0x7f0123456780, 1048576, MSG_WAITALL, IORING_SEND_ZC_REPORT_USAGE),
    words: [
      '0008002f 00000021 00000000 00000000 23456780 00007f01 00100000 00000100',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepSendZcFixed',
    fill: (sqe) =>
      prepSendZcFixed(sqe, 33, 0x7f0123456780, 65536, 0, IORING_RECVSEND_POLL_FIRST, 6),
    words: [
      '0005002f 00000021 00000000 00000000 23456780 00007f01 00010000 00000000',
      '00000006 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepSendmsg',
    fill: (sqe) => prepSendmsg(sqe, 34, 0x7f0123456780, MSG_MORE),
    words: [
      '00000009 00000022 00000000 00000000 23456780 00007f01 00000001 00008000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepSendmsgZc',
    fill: (sqe) => prepSendmsgZc(sqe, 34, 0x7f0123456780, MSG_NOSIGNAL),
    words: [
      '00000030 00000022 00000000 00000000 23456780 00007f01 00000001 00004000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepSendmsgZcFixed',
    fill: (sqe) => prepSendmsgZcFixed(sqe, 34, 0x7f0123456780, 0, 7),
    words: [
      '00040030 00000022 00000000 00000000 23456780 00007f01 00000001 00000000',
      '00000007 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepRecv',
    fill: (sqe) => prepRecv(sqe, 35, 0x7f0123456780, 65536, MSG_PEEK),
    words: [
      '0000001b 00000023 00000000 00000000 23456780 00007f01 00010000 00000002',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepRecvMultishot',
    fill: (sqe) => prepRecvMultishot(sqe, 35, 0, 0, 0),
    words: [
      '0002001b 00000023 00000000 00000000 00000000 00000000 00000000 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepRecvMultishot from a buffer group',
    fill: (sqe) => {
      prepRecvMultishot(sqe, 35, 0, 0, 0);
      setSqeFlags(sqe, IOSQE_BUFFER_SELECT);
      setSqeFlags(sqe, IOSQE_FIXED_FILE);
      setSqeBufferGroup(sqe, 0xbeef);
    },
    words: [
      '0002211b 00000023 00000000 00000000 00000000 00000000 00000000 00000000',
      '0000beef 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepRecvmsg',
    fill: (sqe) => prepRecvmsg(sqe, 36, 0x7f0123456780, MSG_CMSG_CLOEXEC),
    words: [
      '0000000a 00000024 00000000 00000000 23456780 00007f01 00000001 40000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepRecvmsgMultishot',
    fill: (sqe) => prepRecvmsgMultishot(sqe, 36, 0x7f0123456780, MSG_TRUNC),
    words: [
      '0002000a 00000024 00000000 00000000 23456780 00007f01 00000001 00000020',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
];

describeEntries('prep/transfers', transfers, entries);
