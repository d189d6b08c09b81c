/**
 * Entries for polls, timeouts, messages and the rest, beside what liburing fills for the same
 * arguments.
 *
 * The words were printed once by a C program that includes liburing 2.15 (commit 27255f4c), built
 * with gcc 12 on x86-64; they are an independent source of truth and not to be made from our code.
 */

import {
  FUTEX2_PRIVATE,
  FUTEX2_SIZE_U32,
  FUTEX_BITSET_MATCH_ANY,
} from '../../../src/native/constants/futex.ts';
import {
  IORING_ASYNC_CANCEL_ALL,
  IORING_ASYNC_CANCEL_FD,
  IORING_ASYNC_CANCEL_FD_FIXED,
  IORING_CQE_F_MORE,
  IORING_LINK_TIMEOUT_UPDATE,
  IORING_MSG_RING_CQE_SKIP,
  IORING_NOP_FILE,
  IORING_NOP_INJECT_RESULT,
  IORING_OP_RECV,
  IORING_POLL_UPDATE_EVENTS,
  IORING_POLL_UPDATE_USER_DATA,
  IORING_TIMEOUT_ABS,
  IORING_TIMEOUT_BOOTTIME,
} from '../../../src/native/constants/io-uring.ts';
import {
  EPOLL_CTL_MOD,
  EPOLLET,
  EPOLLEXCLUSIVE,
  EPOLLIN,
  POLLIN,
  POLLOUT,
  POLLRDHUP,
} from '../../../src/native/constants/poll.ts';
import { P_PID, WEXITED, WNOWAIT } from '../../../src/native/constants/wait.ts';
import * as control from '../../../src/native/prep/control.ts';
import {
  prepCancel,
  prepCancelAny,
  prepCancelFd,
  prepCancelOpcode,
  prepEpollCtl,
  prepEpollWait,
  prepFutexWait,
  prepFutexWaitv,
  prepFutexWake,
  prepLinkTimeout,
  prepMsgRing,
  prepMsgRingCqeFlags,
  prepMsgRingFd,
  prepMsgRingFdAlloc,
  prepNop,
  prepPollAdd,
  prepPollMultishot,
  prepPollRemove,
  prepPollUpdate,
  prepProvideBuffers,
  prepRemoveBuffers,
  prepTimeout,
  prepTimeoutRemove,
  prepTimeoutUpdate,
  prepWaitid,
} from '../../../src/native/prep/control.ts';
import { describeEntries } from '../../support/recorded-entries.ts';
import type { RecordedEntry } from '../../support/recorded-entries.ts';

const entries: readonly RecordedEntry[] = [
  {
    name: 'prepNop',
    fill: (sqe) => prepNop(sqe),
    words: [
      '00000000 ffffffff 00000000 00000000 00000000 00000000 00000000 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepNop with an injected result',
    fill: (sqe) => prepNop(sqe, IORING_NOP_INJECT_RESULT, -11),
    words: [
      '00000000 ffffffff 00000000 00000000 00000000 00000000 fffffff5 00000001',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepNop on a file',
    fill: (sqe) => prepNop(sqe, IORING_NOP_FILE, 0, 5),
    words: [
      '00000000 00000005 00000000 00000000 00000000 00000000 00000000 00000002',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepPollAdd',
    fill: (sqe) => prepPollAdd(sqe, 41, POLLIN | POLLRDHUP),
    words: [
      '00000006 00000029 00000000 00000000 00000000 00000000 00000000 00002001',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepPollAdd, exclusive and edge-triggered',
    fill: (sqe) => prepPollAdd(sqe, 41, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET),
    words: [
      '00000006 00000029 00000000 00000000 00000000 00000000 00000000 90000001',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepPollMultishot',
    fill: (sqe) => prepPollMultishot(sqe, 41, POLLOUT),
    words: [
      '00000006 00000029 00000000 00000000 00000000 00000000 00000001 00000004',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepPollRemove',
    fill: (sqe) => prepPollRemove(sqe, 0x90000002, 0x80000001),
    words: [
      '00000007 ffffffff 00000000 00000000 90000002 80000001 00000000 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepPollUpdate',
    fill: (sqe) =>
      prepPollUpdate(
        sqe,
        2,
        1,
        4,
        3,
        POLLIN,
        IORING_POLL_UPDATE_EVENTS | IORING_POLL_UPDATE_USER_DATA,
      ),
    words: [
      '00000007 ffffffff 00000004 00000003 00000002 00000001 00000006 00000001',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepEpollCtl',
    fill: (sqe) => prepEpollCtl(sqe, 42, 43, EPOLL_CTL_MOD, 0x7f0123456780),
    words: [
      '0000001d 0000002a 0000002b 00000000 23456780 00007f01 00000003 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepEpollWait',
    fill: (sqe) => prepEpollWait(sqe, 42, 0x7f0123456780, 64, 0),
    words: [
      '0000003b 0000002a 00000000 00000000 23456780 00007f01 00000040 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepTimeout',
    fill: (sqe) =>
      prepTimeout(sqe, 0x7f0123456780, 0xffffffff, IORING_TIMEOUT_ABS | IORING_TIMEOUT_BOOTTIME),
    words: [
      '0000000b ffffffff ffffffff 00000000 23456780 00007f01 00000001 00000005',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepTimeoutRemove',
    fill: (sqe) => prepTimeoutRemove(sqe, 0x90000002, 0x80000001, 0),
    words: [
      '0000000c ffffffff 00000000 00000000 90000002 80000001 00000000 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepTimeoutUpdate',
    fill: (sqe) => prepTimeoutUpdate(sqe, 0x7f0123456780, 6, 5, IORING_LINK_TIMEOUT_UPDATE),
    words: [
      '0000000c ffffffff 23456780 00007f01 00000006 00000005 00000000 00000012',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepLinkTimeout',
    fill: (sqe) => prepLinkTimeout(sqe, 0x7f0123456780, IORING_TIMEOUT_ABS),
    words: [
      '0000000f ffffffff 00000000 00000000 23456780 00007f01 00000001 00000001',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepCancel',
    fill: (sqe) => prepCancel(sqe, 8, 7, IORING_ASYNC_CANCEL_ALL),
    words: [
      '0000000e ffffffff 00000000 00000000 00000008 00000007 00000000 00000001',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepCancelFd',
    fill: (sqe) => prepCancelFd(sqe, 44, IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_FD_FIXED),
    words: [
      '0000000e 0000002c 00000000 00000000 00000000 00000000 00000000 0000000b',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepCancelAny',
    fill: (sqe) => prepCancelAny(sqe, IORING_ASYNC_CANCEL_ALL),
    words: [
      '0000000e ffffffff 00000000 00000000 00000000 00000000 00000000 00000005',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepCancelOpcode',
    fill: (sqe) => prepCancelOpcode(sqe, IORING_OP_RECV, 45, IORING_ASYNC_CANCEL_FD),
    words: [
      '0000000e 0000002d 00000000 00000000 00000000 00000000 0000001b 00000022',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepMsgRing',
    fill: (sqe) =>
      prepMsgRing(sqe, 46, 0x90000003, 0x90000002, 0x80000001, IORING_MSG_RING_CQE_SKIP),
    words: [
      '00000028 0000002e 90000002 80000001 00000000 00000000 90000003 00000001',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepMsgRingCqeFlags',
    fill: (sqe) => prepMsgRingCqeFlags(sqe, 46, 12, 10, 9, 0, IORING_CQE_F_MORE),
    words: [
      '00000028 0000002e 0000000a 00000009 00000000 00000000 0000000c 00000002',
      '00000000 00000002 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepMsgRingFd',
    fill: (sqe) => prepMsgRingFd(sqe, 46, 3, 4, 10, 9, IORING_MSG_RING_CQE_SKIP),
    words: [
      '00000028 0000002e 0000000a 00000009 00000001 00000000 00000000 00000001',
      '00000000 00000005 00000003 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepMsgRingFdAlloc',
    fill: (sqe) => prepMsgRingFdAlloc(sqe, 46, 3, 10, 9, 0),
    words: [
      '00000028 0000002e 0000000a 00000009 00000001 00000000 00000000 00000000',
      '00000000 ffffffff 00000003 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepProvideBuffers',
    fill: (sqe) => prepProvideBuffers(sqe, 0x7f0123456780, 2048, 32, 0x9abc, 65535),
    words: [
      '0000001f 00000020 0000ffff 00000000 23456780 00007f01 00000800 00000000',
      '00009abc 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepRemoveBuffers',
    fill: (sqe) => prepRemoveBuffers(sqe, 32, 0x9abc),
    words: [
      '00000020 00000020 00000000 00000000 00000000 00000000 00000000 00000000',
      '00009abc 00000000 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepWaitid',
    fill: (sqe) => prepWaitid(sqe, P_PID, 4242, 0x7f0123456780, WEXITED | WNOWAIT, 0),
    words: [
      '00000032 00001092 23456780 00007f01 00000000 00000000 00000001 00000000',
      '00000000 01000004 00000000 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepFutexWait',
    fill: (sqe) =>
      prepFutexWait(
        sqe,
        0x7f0123456780,
        0x90000001,
        FUTEX_BITSET_MATCH_ANY,
        FUTEX2_SIZE_U32 | FUTEX2_PRIVATE,
        0,
      ),
    words: [
      '00000033 00000082 90000001 00000000 23456780 00007f01 00000000 00000000',
      '00000000 00000000 ffffffff 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepFutexWake',
    fill: (sqe) =>
      prepFutexWake(sqe, 0x7f0123456780, 1, FUTEX_BITSET_MATCH_ANY, FUTEX2_SIZE_U32, 0),
    words: [
      '00000034 00000002 00000001 00000000 23456780 00007f01 00000000 00000000',
      '00000000 00000000 ffffffff 00000000 00000000 00000000',
    ],
  },
  {
    name: 'prepFutexWaitv',
    fill: (sqe) => prepFutexWaitv(sqe, 0x7f0123456780, 2, 0),
    words: [
      '00000035 00000000 00000000 00000000 23456780 00007f01 00000002 00000000',
      '00000000 00000000 00000000 00000000 00000000 00000000',
    ],
  },
];

describeEntries('prep/control', control, entries);
