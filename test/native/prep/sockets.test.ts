/**
 * Entries for operations on a socket, beside what liburing fills for the same arguments.
 *
 * The words were printed once by a C program that includes liburing 2.15 (commit 27255f4c), built
 * with gcc 12 on x86-64; they are an independent source of truth and not to be made from our code.
 */

import { IORING_FILE_INDEX_ALLOC } from '../../../src/native/constants/io-uring.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SHUT_RDWR,
  SO_RCVBUF,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_NODELAY,
} from '../../../src/native/constants/sockets.ts';
import * as sockets from '../../../src/native/prep/sockets.ts';
import {
  prepAccept,
  prepAcceptDirect,
  prepBind,
  prepCmdSockGetsockopt,
  prepCmdSockSetsockopt,
  prepCmdSockSiocinq,
  prepCmdSockSiocoutq,
  prepConnect,
  prepListen,
  prepMultishotAccept,
  prepMultishotAcceptDirect,
  prepShutdown,
  prepSocket,
  prepSocketDirect,
} from '../../../src/native/prep/sockets.ts';
import { describeEntries } from '../../support/recorded-entries.ts';
import type { RecordedEntry } from '../../support/recorded-entries.ts';

const entries: readonly RecordedEntry[] = [
  {
    name: 'prepSocket',
    fill: (sqe) => prepSocket(sqe, AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP, 0),
    words: [
      '0000002d 0000000a 00080001 00000000 00000000 00000000 00000006 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepSocketDirect',
    fill: (sqe) => prepSocketDirect(sqe, AF_UNIX, SOCK_DGRAM, 0, 21, 0),
    words: [
      '0000002d 00000001 00000002 00000000 00000000 00000000 00000000 00000000',
      '00000000 00000016 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: "prepSocketDirect into a slot of the kernel's choice",
    fill: (sqe) =>
      prepSocketDirect(sqe, AF_INET, SOCK_DGRAM, IPPROTO_UDP, IORING_FILE_INDEX_ALLOC, 0),
    words: [
      '0000002d 00000002 00000002 00000000 00000000 00000000 00000011 00000000',
      '00000000 ffffffff 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepBind',
    fill: (sqe) => prepBind(sqe, 22, 0x7f0123456780, 28),
    words: [
      '00000038 00000016 0000001c 00000000 23456780 00007f01 00000000 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepListen',
    fill: (sqe) => prepListen(sqe, 22, 511),
    words: [
      '00000039 00000016 00000000 00000000 00000000 00000000 000001ff 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepAccept',
    fill: (sqe) =>
      prepAccept(sqe, 22, 0x7f0123456780, 0x7ffedcba9870, SOCK_CLOEXEC | SOCK_NONBLOCK),
    words: [
      '0000000d 00000016 dcba9870 00007ffe 23456780 00007f01 00000000 00080800',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepAccept without an address',
    fill: (sqe) => prepAccept(sqe, 22, 0, 0, SOCK_CLOEXEC),
    words: [
      '0000000d 00000016 00000000 00000000 00000000 00000000 00000000 00080000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepAcceptDirect',
    fill: (sqe) => prepAcceptDirect(sqe, 22, 0x7f0123456780, 0x7ffedcba9870, 0, 23),
    words: [
      '0000000d 00000016 dcba9870 00007ffe 23456780 00007f01 00000000 00000000',
      '00000000 00000018 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: "prepAcceptDirect into a slot of the kernel's choice",
    fill: (sqe) => prepAcceptDirect(sqe, 22, 0, 0, 0, IORING_FILE_INDEX_ALLOC),
    words: [
      '0000000d 00000016 00000000 00000000 00000000 00000000 00000000 00000000',
      '00000000 ffffffff 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepMultishotAccept',
    fill: (sqe) => prepMultishotAccept(sqe, 22, 0, 0, SOCK_CLOEXEC),
    words: [
      '0001000d 00000016 00000000 00000000 00000000 00000000 00000000 00080000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepMultishotAcceptDirect',
    fill: (sqe) => prepMultishotAcceptDirect(sqe, 22, 0, 0, 0),
    words: [
      '0001000d 00000016 00000000 00000000 00000000 00000000 00000000 00000000',
      '00000000 ffffffff 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepConnect',
    fill: (sqe) => prepConnect(sqe, 24, 0x7f0123456780, 16),
    words: [
      '00000010 00000018 00000010 00000000 23456780 00007f01 00000000 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepShutdown',
    fill: (sqe) => prepShutdown(sqe, 25, SHUT_RDWR),
    words: [
      '00000022 00000019 00000000 00000000 00000000 00000000 00000002 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepCmdSockSiocinq',
    fill: (sqe) => prepCmdSockSiocinq(sqe, 26),
    words: [
      '0000002e 0000001a 00000000 00000000 00000000 00000000 00000000 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepCmdSockSiocoutq',
    fill: (sqe) => prepCmdSockSiocoutq(sqe, 26),
    words: [
      '0000002e 0000001a 00000001 00000000 00000000 00000000 00000000 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepCmdSockGetsockopt',
    fill: (sqe) => prepCmdSockGetsockopt(sqe, 26, SOL_SOCKET, SO_RCVBUF, 0x7f0123456780, 4),
    words: [
      '0000002e 0000001a 00000002 00000000 00000001 00000008 00000000 00000000',
      '00000000 00000004 23456780 00007f01 00000000 00000000',
    ],
  },
  {
    name: 'prepCmdSockSetsockopt',
    fill: (sqe) => prepCmdSockSetsockopt(sqe, 26, IPPROTO_TCP, TCP_NODELAY, 0x7f0123456780, 4),
    words: [
      '0000002e 0000001a 00000003 00000000 00000006 00000001 00000000 00000000',
      '00000000 00000004 23456780 00007f01 00000000 00000000',
    ],
  },
];

describeEntries('prep/sockets', sockets, entries);
