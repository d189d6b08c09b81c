/**
 * Probes of what the ring does with sockets and with buffers that the kernel picks.
 *
 * The sockets are Unix sockets with a name that the kernel makes up, so that nothing depends on the
 * network; only sending without a copy needs UDP over loopback. Like all probes they throw a
 * `TrialFailure` where the kernel does not do what it should.
 */

import {
  AF_INET,
  AF_UNIX,
  IORING_CQE_F_BUF_MORE,
  IORING_CQE_F_BUFFER,
  IORING_CQE_F_MORE,
  IORING_CQE_F_NOTIF,
  IORING_REGISTER_PBUF_RING,
  IOSQE_BUFFER_SELECT,
  IOU_PBUF_RING_INC,
  prepAccept,
  prepConnect,
  prepMultishotAccept,
  prepRecv,
  prepRecvMultishot,
  prepSend,
  prepSendZc,
  setSqeBufferGroup,
  setSqeFlags,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_STREAM,
  writeBufReg,
} from '../native/index.ts';
import type { Memory, Sqe } from '../native/index.ts';
import { BufferRing } from './buffer-ring.ts';
import { accepted, demand } from './trial.ts';
import type { Trial, TrialRing } from './trial.ts';

/** Where in a page the length of an address is. */
const ADDRESS_SIZE_AT = 256;
const ADDRESS_SIZE_MAX = 128;
/** `struct sockaddr_in`, and `struct sockaddr_un` without a name. */
const SOCKADDR_IN_SIZE = 16;
const SOCKADDR_UN_UNNAMED_SIZE = 2;
const LOOPBACK = [127, 0, 0, 1];
const GROUP = 0;
const BUFFER_SIZE = 64;

/** An address as the kernel reads it. */
interface Address {
  readonly address: number;
  readonly size: number;
}

/** Linux 5.19+. */
export function tryProvidedBufferRings(trial: Trial): void {
  const ring = trial.ring();
  const { client, server } = connectedPair(trial, ring);
  trial.freeAtEnd(new BufferRing(ring.ring, GROUP, 1, BUFFER_SIZE));
  send(trial, ring, client);
  const { result, flags } = ring.run((sqe) => {
    prepRecv(sqe, server, 0, 0, 0);
    selectBuffer(sqe);
  });
  accepted(result, 'IORING_OP_RECV');
  demand((flags & IORING_CQE_F_BUFFER) !== 0, 'The kernel picked no buffer');
}

/** Linux 6.12+. */
export function tryIncrementalBuffers(trial: Trial): void {
  const ring = trial.ring();
  const { client, server } = connectedPair(trial, ring);
  registerIncrementalBuffer(trial, ring);
  send(trial, ring, client);
  const { result, flags } = ring.run((sqe) => {
    prepRecv(sqe, server, 0, 0, 0);
    selectBuffer(sqe);
  });
  accepted(result, 'IORING_OP_RECV');
  demand((flags & IORING_CQE_F_BUF_MORE) !== 0, 'A buffer was used up by its first byte');
}

/** Linux 5.19+. */
export function tryMultishotAccept(trial: Trial): void {
  const ring = trial.ring();
  const listener = listen(trial);
  const tag = ring.begin(
    (sqe) => prepMultishotAccept(sqe, listener.fd, 0, 0, SOCK_CLOEXEC),
    'descriptor',
  );
  connect(trial, ring, listener.name);
  const { result, flags } = ring.take(tag);
  accepted(result, 'IORING_OP_ACCEPT');
  demand((flags & IORING_CQE_F_MORE) !== 0, 'An accept ended with its first connection');
}

/** Linux 6.0+. */
export function tryMultishotReceive(trial: Trial): void {
  const ring = trial.ring();
  const { client, server } = connectedPair(trial, ring);
  trial.freeAtEnd(new BufferRing(ring.ring, GROUP, 2, BUFFER_SIZE));
  const tag = ring.begin((sqe) => {
    prepRecvMultishot(sqe, server, 0, 0, 0);
    selectBuffer(sqe);
  });
  send(trial, ring, client);
  const { result, flags } = ring.take(tag);
  accepted(result, 'IORING_OP_RECV');
  demand((flags & IORING_CQE_F_MORE) !== 0, 'A receive ended with its first bytes');
}

/** Linux 6.0+. A datagram socket that is connected to itself is the whole pair. */
export function tryZeroCopySend(trial: Trial): void {
  const ring = trial.ring();
  const page = trial.pages(1);
  const fd = socket(trial, AF_INET, SOCK_DGRAM);
  new Uint16Array(page.buffer)[0] = AF_INET;
  new Uint8Array(page.buffer).set(LOOPBACK, 4);
  accepted(trial.kernel.bind(fd, page.address, SOCKADDR_IN_SIZE), 'bind');
  const name = nameOf(trial, fd, page);
  const { result } = ring.run((sqe) => prepConnect(sqe, fd, name.address, name.size));
  accepted(result, 'connect');
  const tag = ring.begin((sqe) => prepSendZc(sqe, fd, page.address, 1, 0, 0));
  const sent = ring.take(tag);
  accepted(sent.result, 'IORING_OP_SEND_ZC');
  demand((sent.flags & IORING_CQE_F_MORE) !== 0, 'No notification is announced');
  demand((ring.take(tag).flags & IORING_CQE_F_NOTIF) !== 0, 'No notification came');
}

/** Two ends of a connection, made by the ring itself. */
function connectedPair(trial: Trial, ring: TrialRing): { client: number; server: number } {
  const listener = listen(trial);
  const tag = ring.begin((sqe) => prepAccept(sqe, listener.fd, 0, 0, SOCK_CLOEXEC), 'descriptor');
  const client = connect(trial, ring, listener.name);
  return { client, server: accepted(ring.take(tag).result, 'IORING_OP_ACCEPT') };
}

function listen(trial: Trial): { fd: number; name: Address } {
  const page = trial.pages(1);
  const fd = socket(trial, AF_UNIX, SOCK_STREAM);
  new Uint16Array(page.buffer)[0] = AF_UNIX;
  // Without a name the kernel picks one that is free.
  accepted(trial.kernel.bind(fd, page.address, SOCKADDR_UN_UNNAMED_SIZE), 'bind');
  accepted(trial.kernel.listen(fd, 1), 'listen');
  return { fd, name: nameOf(trial, fd, page) };
}

function connect(trial: Trial, ring: TrialRing, name: Address): number {
  const fd = socket(trial, AF_UNIX, SOCK_STREAM);
  const { result } = ring.run((sqe) => prepConnect(sqe, fd, name.address, name.size));
  accepted(result, 'IORING_OP_CONNECT');
  return fd;
}

function socket(trial: Trial, family: number, type: number): number {
  return trial.own(accepted(trial.kernel.socket(family, type | SOCK_CLOEXEC, 0), 'socket'));
}

/** Reads a socket's own address into the beginning of a page. */
function nameOf(trial: Trial, fd: number, page: Memory): Address {
  const size = new Uint32Array(page.buffer, ADDRESS_SIZE_AT, 1);
  size[0] = ADDRESS_SIZE_MAX;
  const sizeAddress = page.address + ADDRESS_SIZE_AT;
  accepted(trial.kernel.getsockname(fd, page.address, sizeAddress), 'getsockname');
  return { address: page.address, size: size[0] };
}

/** Sends one byte. */
function send(trial: Trial, ring: TrialRing, fd: number): void {
  const { address } = trial.pages(1);
  const { result } = ring.run((sqe) => prepSend(sqe, fd, address, 1, 0));
  accepted(result, 'IORING_OP_SEND');
}

function selectBuffer(sqe: Sqe): void {
  setSqeFlags(sqe, IOSQE_BUFFER_SELECT);
  setSqeBufferGroup(sqe, GROUP);
}

/** Registers a ring of one buffer, which the kernel fills piece by piece. */
function registerIncrementalBuffer(trial: Trial, { ring }: TrialRing): void {
  const slots = trial.pages(1);
  const data = trial.pages(1);
  const { buffer, address } = ring.scratch;
  writeBufReg(buffer, 0, {
    ringAddress: slots.address,
    ringEntries: 1,
    group: GROUP,
    flags: IOU_PBUF_RING_INC,
  });
  const result = ring.register(IORING_REGISTER_PBUF_RING, address, 1);
  accepted(result, 'IORING_REGISTER_PBUF_RING');
  const slot = new DataView(slots.buffer);
  slot.setBigUint64(0, BigInt(data.address), true);
  slot.setUint32(8, BUFFER_SIZE, true);
  // The tail of the ring: one buffer is provided.
  slot.setUint16(14, 1, true);
}
