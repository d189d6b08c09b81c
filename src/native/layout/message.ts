/**
 * What sendmsg(2) and recvmsg(2) take, on 64-bit Linux: iovec (16 bytes), msghdr (56), cmsghdr (16
 * and its data, padded to 8), and the `io_uring_recvmsg_out` at the start of a buffer that a
 * multishot recvmsg filled:
 *
 *   [ recvmsg_out 16 | name, msg_namelen of room | control, msg_controllen of room | payload ]
 */

import { highWord } from './sqe.ts';

export const IOVEC_SIZE = 16;
export const IOVEC_WORDS = 4;

/** Writes a `struct iovec` at a word index. Hot path: no allocation. */
export function writeIovec(words: Int32Array, at: number, address: number, length: number): void {
  words[at] = address | 0;
  words[at + 1] = highWord(address);
  words[at + 2] = length | 0;
  words[at + 3] = highWord(length);
}

export const MSGHDR_SIZE = 56;
export const MSGHDR_WORDS = 14;

/** Where things are; 0 and 0 for what there is none of. */
export interface MessageHeader {
  readonly nameAddress: number;
  readonly nameSize: number;
  readonly iovecAddress: number;
  readonly iovecCount: number;
  readonly controlAddress: number;
  readonly controlSize: number;
}

/** Writes the whole `struct msghdr` at a word index. */
export function writeMessageHeader(words: Int32Array, at: number, header: MessageHeader): void {
  words[at] = header.nameAddress | 0;
  words[at + 1] = highWord(header.nameAddress);
  words[at + 2] = header.nameSize;
  words[at + 3] = 0;
  words[at + 4] = header.iovecAddress | 0;
  words[at + 5] = highWord(header.iovecAddress);
  words[at + 6] = header.iovecCount;
  words[at + 7] = 0;
  words[at + 8] = header.controlAddress | 0;
  words[at + 9] = highWord(header.controlAddress);
  words[at + 10] = header.controlSize;
  words[at + 11] = 0;
  words[at + 12] = 0;
  words[at + 13] = 0;
}

/** What recvmsg(2) wrote into the header. */
export interface ReceivedHeader {
  readonly nameSize: number;
  readonly controlSize: number;
  /** `MSG_TRUNC`, `MSG_CTRUNC` and so on. */
  readonly flags: number;
}

/** Reads back a `struct msghdr` at a word index. */
export function readMessageHeader(words: Int32Array, at: number): ReceivedHeader {
  return {
    nameSize: words[at + 2] ?? 0,
    controlSize: words[at + 10] ?? 0,
    flags: words[at + 12] ?? 0,
  };
}

export const CMSGHDR_SIZE = 16;

/** `CMSG_SPACE`: the room that control data of this length takes. */
export function controlSpace(length: number): number {
  return CMSGHDR_SIZE + ((length + 7) & ~7);
}

/** One piece of control data; its bytes are a view of what was received. */
export interface ControlMessage {
  readonly level: number;
  readonly type: number;
  readonly data: Uint8Array;
}

/** Writes a `struct cmsghdr` and its data, padding included. Returns the offset behind it. */
export function writeControlMessage(
  bytes: Uint8Array,
  offset: number,
  message: ControlMessage,
): number {
  const space = controlSpace(message.data.length);
  bytes.fill(0, offset, offset + space);
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, space);
  view.setUint32(0, CMSGHDR_SIZE + message.data.length, true);
  view.setInt32(8, message.level, true);
  view.setInt32(12, message.type, true);
  bytes.set(message.data, offset + CMSGHDR_SIZE);
  return offset + space;
}

/** Reads control data as the kernel wrote it; a piece that was cut off ends the list. */
export function readControlMessages(control: Uint8Array): ControlMessage[] {
  const view = new DataView(control.buffer, control.byteOffset, control.length);
  const messages: ControlMessage[] = [];
  let at = 0;
  while (at + CMSGHDR_SIZE <= control.length) {
    const size = view.getUint32(at, true);
    if (size < CMSGHDR_SIZE || at + size > control.length) break;
    messages.push({
      level: view.getInt32(at + 8, true),
      type: view.getInt32(at + 12, true),
      data: control.subarray(at + CMSGHDR_SIZE, at + size),
    });
    at += controlSpace(size - CMSGHDR_SIZE);
  }
  return messages;
}

export const RECVMSG_OUT_SIZE = 16;

/** A message that a multishot recvmsg received; the three parts are views of the buffer. */
export interface RecvmsgOut {
  readonly name: Uint8Array;
  readonly control: Uint8Array;
  readonly payload: Uint8Array;
  /** The size of the sender's message: more than the payload's when it was cut off. */
  readonly payloadSize: number;
  /** `MSG_TRUNC`, `MSG_CTRUNC` and so on. */
  readonly flags: number;
}

/**
 * Reads a provided buffer of which the kernel filled `received.length` bytes. The two sizes are
 * those of the msghdr that was submitted. Returns `null` if the parts do not fit.
 */
export function readRecvmsgOut(
  received: Uint8Array,
  nameRoom: number,
  controlRoom: number,
): RecvmsgOut | null {
  const controlAt = RECVMSG_OUT_SIZE + nameRoom;
  const payloadAt = controlAt + controlRoom;
  if (payloadAt > received.length) return null;
  const view = new DataView(received.buffer, received.byteOffset, RECVMSG_OUT_SIZE);
  const nameSize = Math.min(view.getUint32(0, true), nameRoom);
  const controlSize = Math.min(view.getUint32(4, true), controlRoom);
  return {
    name: received.subarray(RECVMSG_OUT_SIZE, RECVMSG_OUT_SIZE + nameSize),
    control: received.subarray(controlAt, controlAt + controlSize),
    payload: received.subarray(payloadAt),
    payloadSize: view.getUint32(8, true),
    flags: view.getUint32(12, true),
  };
}
