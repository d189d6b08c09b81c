/**
 * The arguments of io_uring_register(2), byte for byte beside C.
 */

import { describe, expect, it } from 'vitest';
import { CLOCK_BOOTTIME, CLOCK_REALTIME } from '../../../src/native/constants/time.ts';
import {
  IORING_ASYNC_CANCEL_ALL,
  IORING_ASYNC_CANCEL_ANY,
  IORING_MEM_REGION_REG_WAIT_ARG,
  IORING_MEM_REGION_TYPE_USER,
  IORING_OP_RECV,
  IORING_REGISTER_DST_REPLACE,
  IORING_RSRC_REGISTER_SPARSE,
  IO_URING_NAPI_STATIC_ADD_ID,
  IOU_PBUF_RING_INC,
} from '../../../src/native/constants/io-uring.ts';
import * as registration from '../../../src/native/layout/registration.ts';
import { recordedHex, recordedStruct, written } from '../../support/recorded-structs.ts';

const A = 0x7f0123456780;
const B = 0x7ffedcba9870;

type Write = (buffer: ArrayBuffer, offset: number) => void;

const cases: readonly [Parameters<typeof recordedHex>[0], number, Write][] = [
  [
    'rsrc_register',
    registration.RSRC_REGISTER_SIZE,
    (buffer, offset) =>
      registration.writeRsrcRegister(buffer, offset, {
        count: 3,
        flags: IORING_RSRC_REGISTER_SPARSE,
        data: A,
        tags: B,
      }),
  ],
  [
    'rsrc_update',
    registration.RSRC_UPDATE_SIZE,
    (buffer, offset) =>
      registration.writeRsrcUpdate(buffer, offset, { offset: 0xffffffff, data: A }),
  ],
  [
    'files_update',
    registration.RSRC_UPDATE_SIZE,
    (buffer, offset) =>
      registration.writeRsrcUpdate(buffer, offset, { offset: 0xffffffff, data: A }),
  ],
  [
    'rsrc_update2',
    registration.RSRC_UPDATE2_SIZE,
    (buffer, offset) =>
      registration.writeRsrcUpdate2(buffer, offset, { offset: 5, data: A, tags: B, count: 2 }),
  ],
  [
    'region_desc',
    registration.REGION_DESC_SIZE,
    (buffer, offset) =>
      registration.writeRegionDesc(buffer, offset, {
        userAddress: 0x7f0123456000,
        size: 8192,
        flags: IORING_MEM_REGION_TYPE_USER,
      }),
  ],
  [
    'mem_region_reg',
    registration.MEM_REGION_REG_SIZE,
    (buffer, offset) =>
      registration.writeMemRegionReg(buffer, offset, {
        regionAddress: A,
        flags: IORING_MEM_REGION_REG_WAIT_ARG,
      }),
  ],
  [
    'buf_reg',
    registration.BUF_REG_SIZE,
    (buffer, offset) =>
      registration.writeBufReg(buffer, offset, {
        ringAddress: 0x7f0123456000,
        ringEntries: 1024,
        group: 0xbeef,
        flags: IOU_PBUF_RING_INC,
        minLeft: 128,
      }),
  ],
  [
    'buf_status_request',
    registration.BUF_STATUS_SIZE,
    (buffer, offset) => registration.writeBufStatus(buffer, offset, 0xbeef),
  ],
  [
    'clone_buffers',
    registration.CLONE_BUFFERS_SIZE,
    (buffer, offset) =>
      registration.writeCloneBuffers(buffer, offset, {
        sourceFd: 7,
        flags: IORING_REGISTER_DST_REPLACE,
        sourceOffset: 1,
        targetOffset: 2,
        count: 3,
      }),
  ],
  [
    'napi',
    registration.NAPI_SIZE,
    (buffer, offset) =>
      registration.writeNapi(buffer, offset, {
        busyPollMicros: 50,
        preferBusyPoll: true,
        opcode: IO_URING_NAPI_STATIC_ADD_ID,
        parameter: 258,
      }),
  ],
  [
    'sync_cancel_reg',
    registration.SYNC_CANCEL_REG_SIZE,
    (buffer, offset) =>
      registration.writeSyncCancelReg(buffer, offset, {
        flags: IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY,
        userDataLow: 0x90000002,
        userDataHigh: 0x80000001,
        opcode: IORING_OP_RECV,
        timeoutSeconds: -1,
        timeoutNanoseconds: -1,
      }),
  ],
  [
    'file_index_range',
    registration.FILE_INDEX_RANGE_SIZE,
    (buffer, offset) =>
      registration.writeFileIndexRange(buffer, offset, { first: 100, count: 900 }),
  ],
  [
    'clock_register',
    registration.CLOCK_REGISTER_SIZE,
    (buffer, offset) => registration.writeClockRegister(buffer, offset, CLOCK_BOOTTIME),
  ],
];

describe('registration writers', () => {
  it.each(cases)('write the whole of %s', (name, size, write) => {
    expect(written(size, write)).toBe(recordedHex(name));
  });

  it('leave zero what is not given', () => {
    const zero = (size: number, write: Write): void =>
      expect(written(size, write)).toBe('00'.repeat(size));
    zero(registration.RSRC_REGISTER_SIZE, (buffer, offset) =>
      registration.writeRsrcRegister(buffer, offset, { count: 0, flags: 0 }),
    );
    zero(registration.RSRC_UPDATE2_SIZE, (buffer, offset) =>
      registration.writeRsrcUpdate2(buffer, offset, { offset: 0, data: 0, count: 0 }),
    );
    zero(registration.BUF_REG_SIZE, (buffer, offset) =>
      registration.writeBufReg(buffer, offset, {
        ringAddress: 0,
        ringEntries: 0,
        group: 0,
        flags: 0,
      }),
    );
    zero(registration.SYNC_CANCEL_REG_SIZE, (buffer, offset) =>
      registration.writeSyncCancelReg(buffer, offset, { flags: 0, fd: 0, timeoutSeconds: 0 }),
    );
    zero(registration.CLOCK_REGISTER_SIZE, (buffer, offset) =>
      registration.writeClockRegister(buffer, offset, CLOCK_REALTIME),
    );
  });

  it('name no descriptor unless one is given', () => {
    const text = written(registration.SYNC_CANCEL_REG_SIZE, (buffer, offset) =>
      registration.writeSyncCancelReg(buffer, offset, { flags: 0, timeoutSeconds: 0 }),
    );
    expect(text.slice(16, 24)).toBe('ffffffff');
  });
});

describe('registration readers', () => {
  it('find the head of a buffer ring', () => {
    const bytes = recordedStruct('buf_status_answer');
    expect(registration.readBufStatusHead(bytes.buffer as ArrayBuffer, 0)).toBe(0xfffe);
  });

  it('find the former settings of NAPI', () => {
    const bytes = recordedStruct('napi');
    expect(registration.readNapi(bytes.buffer as ArrayBuffer, 0)).toEqual({
      busyPollMicros: 50,
      preferBusyPoll: true,
      parameter: 258,
    });
  });

  it('find the opcodes that a probe says are supported', () => {
    const bytes = recordedStruct('probe');
    const size = registration.PROBE_HEADER_SIZE + 3 * registration.PROBE_OP_SIZE;
    expect(bytes).toHaveLength(size);
    expect(registration.readProbe(bytes.buffer as ArrayBuffer, 0)).toEqual(new Set([20, 22]));
  });
});
