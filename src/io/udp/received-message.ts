/**
 * What a multishot recvmsg leaves in a provided buffer, read without an allocation but for the copy
 * of the payload: see `io_uring_recvmsg_out` in `native/layout/message.ts`.
 *
 *   0 header 16 | 16 sender's address, 28 of room | 44 control data, 24 of room | 68 payload
 *
 * Hot path: the sender of one datagram is mostly that of the one before, and then not decoded
 * again.
 */

import {
  CMSGHDR_SIZE,
  controlSpace,
  IPPROTO_UDP,
  RECVMSG_OUT_SIZE,
  SOCKADDR_IN6_SIZE,
  UDP_GRO,
} from '../../native/abi.ts';
import { addressOf } from '../tcp/address.ts';
import type { SocketAddress } from '../tcp/address.ts';

/** Room for the sender's address, in the header that is submitted. */
export const NAME_ROOM: number = SOCKADDR_IN6_SIZE;
/** Room for control data: one `int`. */
export const CONTROL_ROOM: number = controlSpace(4);

const NAME_AT = RECVMSG_OUT_SIZE;
const CONTROL_AT = NAME_AT + NAME_ROOM;
export const PAYLOAD_AT: number = CONTROL_AT + CONTROL_ROOM;

const UNKNOWN: SocketAddress = { address: '', family: 'IPv4', port: 0 };

/** Reads one received buffer after the other. */
export class ReceivedMessage {
  sender: SocketAddress = UNKNOWN;
  /** Where the payload begins in the slab, and how much of it there is. */
  payloadAt = 0;
  length = 0;
  /** What was sent: more than `length` when it was cut off. */
  size = 0;
  /** Of each datagram, where the kernel put several together; 0 otherwise. */
  segmentSize = 0;
  /** The encoded address of `sender`. */
  readonly #name = Buffer.alloc(NAME_ROOM);
  #nameSize = 0;

  /** Reads what the kernel wrote at `at`: `filled` bytes. Says whether it makes sense. */
  read(slab: Buffer, at: number, filled: number): boolean {
    if (filled < PAYLOAD_AT) return false;
    const nameSize = Math.min(slab.readUInt32LE(at), NAME_ROOM);
    this.payloadAt = at + PAYLOAD_AT;
    this.length = filled - PAYLOAD_AT;
    this.size = slab.readUInt32LE(at + 8);
    this.segmentSize = this.#segmentSize(slab, at + CONTROL_AT, slab.readUInt32LE(at + 4));
    const nameAt = at + NAME_AT;
    const isKnown =
      nameSize === this.#nameSize &&
      slab.compare(this.#name, 0, nameSize, nameAt, nameAt + nameSize) === 0;
    if (isKnown) return true;
    slab.copy(this.#name, 0, nameAt, nameAt + nameSize);
    this.#nameSize = nameSize;
    this.sender = addressOf(this.#name.subarray(0, nameSize)) ?? UNKNOWN;
    return true;
  }

  #segmentSize(slab: Buffer, at: number, controlSize: number): number {
    if (controlSize < CMSGHDR_SIZE + 4) return 0;
    const isGro = slab.readInt32LE(at + 8) === IPPROTO_UDP && slab.readInt32LE(at + 12) === UDP_GRO;
    return isGro ? slab.readInt32LE(at + CMSGHDR_SIZE) : 0;
  }
}
