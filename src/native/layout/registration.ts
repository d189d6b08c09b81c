/**
 * The structs that `io_uring_register(2)` takes, each written at an offset of a scratch buffer.
 *
 * Writers clear the whole struct first: the kernel refuses reserved fields that are not zero.
 */

import { IO_URING_OP_SUPPORTED } from '../constants/io-uring.ts';

function cleared(buffer: ArrayBuffer, offset: number, size: number): DataView {
  new Uint8Array(buffer, offset, size).fill(0);
  return new DataView(buffer, offset, size);
}

export const RSRC_REGISTER_SIZE = 32;

/** `struct io_uring_rsrc_register`: a table of files or buffers. Linux 5.13+. */
export function writeRsrcRegister(
  buffer: ArrayBuffer,
  offset: number,
  fields: { count: number; flags: number; data?: number; tags?: number },
): void {
  const view = cleared(buffer, offset, RSRC_REGISTER_SIZE);
  view.setUint32(0, fields.count, true);
  view.setUint32(4, fields.flags, true);
  view.setBigUint64(16, BigInt(fields.data ?? 0), true);
  view.setBigUint64(24, BigInt(fields.tags ?? 0), true);
}

export const RSRC_UPDATE_SIZE = 16;

/**
 * `struct io_uring_rsrc_update`, and `io_uring_files_update` by its older name: replaces entries of
 * a table. Also what ring descriptors are registered with.
 */
export function writeRsrcUpdate(
  buffer: ArrayBuffer,
  offset: number,
  fields: { offset: number; data: number },
): void {
  const view = cleared(buffer, offset, RSRC_UPDATE_SIZE);
  view.setUint32(0, fields.offset, true);
  view.setBigUint64(8, BigInt(fields.data), true);
}

export const RSRC_UPDATE2_SIZE = 32;

/** `struct io_uring_rsrc_update2`. Linux 5.13+. */
export function writeRsrcUpdate2(
  buffer: ArrayBuffer,
  offset: number,
  fields: { offset: number; data: number; tags?: number; count: number },
): void {
  const view = cleared(buffer, offset, RSRC_UPDATE2_SIZE);
  view.setUint32(0, fields.offset, true);
  view.setBigUint64(8, BigInt(fields.data), true);
  view.setBigUint64(16, BigInt(fields.tags ?? 0), true);
  view.setUint32(24, fields.count, true);
}

export const REGION_DESC_SIZE = 64;

/** `struct io_uring_region_desc`. Linux 6.13+. */
export function writeRegionDesc(
  buffer: ArrayBuffer,
  offset: number,
  fields: { userAddress: number; size: number; flags: number },
): void {
  const view = cleared(buffer, offset, REGION_DESC_SIZE);
  view.setBigUint64(0, BigInt(fields.userAddress), true);
  view.setBigUint64(8, BigInt(fields.size), true);
  view.setUint32(16, fields.flags, true);
}

export const MEM_REGION_REG_SIZE = 32;

/** `struct io_uring_mem_region_reg`. Linux 6.13+. */
export function writeMemRegionReg(
  buffer: ArrayBuffer,
  offset: number,
  fields: { regionAddress: number; flags: number },
): void {
  const view = cleared(buffer, offset, MEM_REGION_REG_SIZE);
  view.setBigUint64(0, BigInt(fields.regionAddress), true);
  view.setBigUint64(8, BigInt(fields.flags), true);
}

export const BUF_REG_SIZE = 40;

/** `struct io_uring_buf_reg`: a ring of provided buffers. Linux 5.19+. */
export function writeBufReg(
  buffer: ArrayBuffer,
  offset: number,
  fields: {
    ringAddress: number;
    ringEntries: number;
    group: number;
    flags: number;
    /** With `IOU_PBUF_RING_INC`: a buffer with less room than this is retired. */
    minLeft?: number;
  },
): void {
  const view = cleared(buffer, offset, BUF_REG_SIZE);
  view.setBigUint64(0, BigInt(fields.ringAddress), true);
  view.setUint32(8, fields.ringEntries, true);
  view.setUint16(12, fields.group, true);
  view.setUint16(14, fields.flags, true);
  view.setUint32(16, fields.minLeft ?? 0, true);
}

export const BUF_STATUS_SIZE = 40;

/** `struct io_uring_buf_status`: asks for the kernel's head of a buffer ring. Linux 6.8+. */
export function writeBufStatus(buffer: ArrayBuffer, offset: number, group: number): void {
  cleared(buffer, offset, BUF_STATUS_SIZE).setUint32(0, group, true);
}

/** Reads the head, after `IORING_REGISTER_PBUF_STATUS`. */
export function readBufStatusHead(buffer: ArrayBuffer, offset: number): number {
  return new DataView(buffer, offset, BUF_STATUS_SIZE).getUint32(4, true);
}

export const CLONE_BUFFERS_SIZE = 32;

/** `struct io_uring_clone_buffers`. Linux 6.12+, offsets 6.13+. */
export function writeCloneBuffers(
  buffer: ArrayBuffer,
  offset: number,
  fields: {
    sourceFd: number;
    flags: number;
    sourceOffset: number;
    targetOffset: number;
    count: number;
  },
): void {
  const view = cleared(buffer, offset, CLONE_BUFFERS_SIZE);
  view.setUint32(0, fields.sourceFd, true);
  view.setUint32(4, fields.flags, true);
  view.setUint32(8, fields.sourceOffset, true);
  view.setUint32(12, fields.targetOffset, true);
  view.setUint32(16, fields.count, true);
}

export const NAPI_SIZE = 16;

/** `struct io_uring_napi` as Linux 6.13 and later read it; 6.9 to 6.12 see zeros in `op_param`. */
export function writeNapi(
  buffer: ArrayBuffer,
  offset: number,
  fields: { busyPollMicros: number; preferBusyPoll: boolean; opcode: number; parameter: number },
): void {
  const view = cleared(buffer, offset, NAPI_SIZE);
  view.setUint32(0, fields.busyPollMicros, true);
  view.setUint8(4, fields.preferBusyPoll ? 1 : 0);
  view.setUint8(5, fields.opcode);
  view.setUint32(8, fields.parameter, true);
}

/** Reads the settings that the kernel wrote back: those before the call. */
export function readNapi(
  buffer: ArrayBuffer,
  offset: number,
): { busyPollMicros: number; preferBusyPoll: boolean; parameter: number } {
  const view = new DataView(buffer, offset, NAPI_SIZE);
  return {
    busyPollMicros: view.getUint32(0, true),
    preferBusyPoll: view.getUint8(4) !== 0,
    parameter: view.getUint32(8, true),
  };
}

export const SYNC_CANCEL_REG_SIZE = 64;

/**
 * `struct io_uring_sync_cancel_reg`. Linux 6.0+.
 * A timeout of -1 seconds and -1 nanoseconds is none; nanoseconds are 0 unless given.
 */
export function writeSyncCancelReg(
  buffer: ArrayBuffer,
  offset: number,
  fields: {
    flags: number;
    fd?: number;
    userDataLow?: number;
    userDataHigh?: number;
    opcode?: number;
    timeoutSeconds: number;
    timeoutNanoseconds?: number;
  },
): void {
  const view = cleared(buffer, offset, SYNC_CANCEL_REG_SIZE);
  view.setInt32(0, fields.userDataLow ?? 0, true);
  view.setInt32(4, fields.userDataHigh ?? 0, true);
  view.setInt32(8, fields.fd ?? -1, true);
  view.setUint32(12, fields.flags, true);
  view.setBigInt64(16, BigInt(fields.timeoutSeconds), true);
  view.setBigInt64(24, BigInt(fields.timeoutNanoseconds ?? 0), true);
  view.setUint8(32, fields.opcode ?? 0);
}

export const FILE_INDEX_RANGE_SIZE = 16;

/** `struct io_uring_file_index_range`: where the kernel may pick file slots. Linux 6.0+. */
export function writeFileIndexRange(
  buffer: ArrayBuffer,
  offset: number,
  fields: { first: number; count: number },
): void {
  const view = cleared(buffer, offset, FILE_INDEX_RANGE_SIZE);
  view.setUint32(0, fields.first, true);
  view.setUint32(4, fields.count, true);
}

export const CLOCK_REGISTER_SIZE = 16;

/** `struct io_uring_clock_register`: which clock waits go by. Linux 6.12+. */
export function writeClockRegister(buffer: ArrayBuffer, offset: number, clock: number): void {
  cleared(buffer, offset, CLOCK_REGISTER_SIZE).setUint32(0, clock, true);
}

/** `struct io_uring_probe`: a header, then one entry per opcode. Linux 5.6+. */
export const PROBE_HEADER_SIZE = 16;
export const PROBE_OP_SIZE = 8;

/** Reads which opcodes the kernel supports, after `IORING_REGISTER_PROBE`. */
export function readProbe(buffer: ArrayBuffer, offset: number): Set<number> {
  const supported = new Set<number>();
  const view = new DataView(buffer, offset);
  const count = view.getUint8(1);
  for (let i = 0; i < count; i += 1) {
    const at = PROBE_HEADER_SIZE + i * PROBE_OP_SIZE;
    if ((view.getUint16(at + 2, true) & IO_URING_OP_SUPPORTED) !== 0)
      supported.add(view.getUint8(at));
  }
  return supported;
}
